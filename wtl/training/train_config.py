"""Hyper-parameters of training."""

import dataclasses

from wtl.datasets.contract.limits import Count, NotNegative, Share


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

    steps: Count = 4000
    batch_size: Count = 128
    window: Count = 8
    learning_rate: NotNegative = 1e-3
    gradient_norm: NotNegative = 5.0
    sigma_floors: tuple[float, float] = (-2.0, -3.0)
    sigma_shares: tuple[Share, Share] = (0.5, 0.8)
    checkpoint_every: Count = 1000
    log_every: Count = 50


@dataclasses.dataclass(frozen=True)
class EndToEndConfig(TrainConfig):
    """Hyper-parameters of training perception and policy together.

    Attributes:
      privileged: weight of the loss that compares estimated with simulator states; 0
        trains perception with the imitation loss alone.
    """

    steps: Count = 2000
    batch_size: Count = 16
    learning_rate: NotNegative = 1e-4
    sigma_floors: tuple[float, float] = (-3.0, -3.0)
    privileged: NotNegative = 1.0
