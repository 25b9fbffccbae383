"""Hyper-parameters of training."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Hyper-parameters of one training.

    Attributes:
      steps: gradient steps.
      batch_size: examples per step; each is another task (the meta-batch).
      window: timesteps imitated per example.
      learning_rate: of Adam at the start; falls to 2% along a cosine.
      gradient_norm: global norm to which gradients are clipped.
      sigma_floors: log sigma floor of the mixture before and after it is lowered.
      sigma_shares: shares of the steps between which it is lowered.
      checkpoint_every: steps between checkpoints.
      log_every: steps between points of the learning curve.
    """

    steps: int = 4000
    batch_size: int = 128
    window: int = 8
    learning_rate: float = 1e-3
    gradient_norm: float = 5.0
    sigma_floors: tuple[float, float] = (-2.0, -3.0)
    sigma_shares: tuple[float, float] = (0.5, 0.8)
    checkpoint_every: int = 1000
    log_every: int = 50


@dataclasses.dataclass(frozen=True)
class EndToEndConfig(TrainConfig):
    """Hyper-parameters of training perception and policy together.

    Attributes:
      privileged: weight of the loss that compares estimated with simulator states; 0
        trains perception with the imitation loss alone.
    """

    steps: int = 2000
    batch_size: int = 16
    learning_rate: float = 1e-4
    sigma_floors: tuple[float, float] = (-3.0, -3.0)
    privileged: float = 1.0
