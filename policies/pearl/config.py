"""Hyper-parameters of PEARL."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class PearlConfig:
    """How PEARL collects, learns and looks at its trials; set for point robots.

    Attributes:
      latent: width of the latent variable.
      hidden: widths of the layers of actor and critics.
      kl_weight: of the divergence of posterior from prior.
      discount: of rewards, per step.
      reward_scale: what rewards are multiplied by before they are learnt from.
      target_entropy: of the actor, nats per dimension of the action.
      target_rate: share by which the target critics follow the critics.
      learning_rate: of Adam, for all parts.
      prior_trials: first trials of a task that are played for draws of the prior,
        whatever came of those before; further ones are for draws of the posterior.
      context_trials: trials of a task in its context at most; as many, or fewer, are
        drawn in training.
      recent_trials: the context is drawn from so many last trials of a task.
      meta_batch: tasks per gradient step.
      batch: transitions of each of them.
      tasks_per_round: tasks in which trials are made in each round.
      trials_per_task: trials made of each of them, the first one knowing nothing.
      updates_per_round: gradient steps after it.
      first_rounds: rounds of random trials, with gradient steps from the last on.
    """

    latent: int = 5
    hidden: tuple[int, ...] = (64, 64)
    kl_weight: float = 0.01
    discount: float = 0.9
    reward_scale: float = 5.0
    target_entropy: float = -1.0
    target_rate: float = 0.005
    learning_rate: float = 2e-3
    prior_trials: int = 1
    context_trials: int = 4
    recent_trials: int = 20
    meta_batch: int = 16
    batch: int = 32
    tasks_per_round: int = 80
    trials_per_task: int = 4
    updates_per_round: int = 350
    first_rounds: int = 3
