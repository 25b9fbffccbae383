"""Hyper-parameters of RL²."""

import dataclasses

from wtl.datasets.contract.limits import Count


@dataclasses.dataclass(frozen=True)
class Rl2Config:
    """Hyper-parameters of RL², with defaults for point robots.

    Attributes:
      memory: width of the recurrent layer.
      hidden: widths of the layers of actor and value.
      log_sigma: of the actions at the start of training.
      discount: of rewards, per step, across trials.
      trace: lambda of the generalised advantage estimates.
      reward_scale: factor on rewards in training.
      clip: range of PPO's probability ratio around 1.
      entropy_weight: of the entropy bonus.
      value_weight: of the value's squared error.
      learning_rate: of Adam.
      gradient_norm: global norm to which gradients are clipped.
      tasks_per_round: tasks with new trials in each round.
      trials_per_task: trials of each of them.
      epochs: passes over a round.
      minibatches: gradient steps of a pass, each on a share of the tasks.
    """

    memory: Count = 64
    hidden: tuple[Count, ...] = (64, 64)
    log_sigma: float = -0.5
    discount: float = 0.97
    trace: float = 0.95
    reward_scale: float = 0.1
    clip: float = 0.2
    entropy_weight: float = 0.0
    value_weight: float = 0.5
    learning_rate: float = 1e-3
    gradient_norm: float = 0.5
    tasks_per_round: Count = 96
    trials_per_task: Count = 3
    epochs: Count = 8
    minibatches: Count = 2
