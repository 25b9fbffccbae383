"""Hyper-parameters of PEARL."""

import dataclasses

from wtl.datasets.contract.limits import Count, Natural


@dataclasses.dataclass(frozen=True)
class PearlConfig:
    """Hyper-parameters of PEARL, with defaults for point robots.

    Attributes:
      latent: width of the latent variable.
      hidden: widths of the layers of actor and critics.
      kl_weight: of the divergence of posterior from prior.
      discount: of rewards, per step.
      reward_scale: factor on rewards in training.
      target_entropy: of the actor, nats per dimension of the action.
      target_rate: step of the target critics towards the critics.
      learning_rate: of Adam, for all parts.
      prior_trials: first trials of a task, which are played with samples of the prior;
        further ones are played with samples of the posterior.
      context_trials: largest number of trials in a context in training.
      recent_trials: number of last trials of a task of which contexts are sampled.
      meta_batch: tasks per gradient step.
      batch: transitions of each of them.
      tasks_per_round: tasks with new trials in each round.
      trials_per_task: trials of each of them.
      updates_per_round: gradient steps after it.
      first_rounds: rounds of random trials; gradient steps start with the last.
    """

    latent: Count = 5
    hidden: tuple[Count, ...] = (64, 64)
    kl_weight: float = 0.01
    discount: float = 0.9
    reward_scale: float = 5.0
    target_entropy: float = -1.0
    target_rate: float = 0.005
    learning_rate: float = 2e-3
    prior_trials: Natural = 1
    context_trials: Count = 4
    recent_trials: Count = 20
    meta_batch: Count = 16
    batch: Count = 32
    tasks_per_round: Count = 80
    trials_per_task: Count = 4
    updates_per_round: Natural = 350
    first_rounds: Natural = 3
