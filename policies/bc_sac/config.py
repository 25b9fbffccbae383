"""Hyper-parameters of reinforcement learning of one task."""

import dataclasses

from wtl.datasets.contract.limits import Count, Natural


@dataclasses.dataclass(frozen=True)
class SacConfig:
    """Hyper-parameters of SAC.

    Attributes:
      critic_hidden: widths of the critics' layers, each with a layer norm.
      batch_size: transitions per update.
      updates_per_trial: gradient steps after each trial.
      warmup_trials: trials before the actor is trained; the critics are from the
        first.
      discount: per control step.
      trace: λ of the returns: the number of steps of a transition is geometric, so
        that targets are λ-returns in expectation.
      success_share: share of a batch from successful episodes, if there are any.
      demo_share: share of those from the demonstration, if it is in the buffer.
      first_share: share of a batch at the first steps of episodes.
      actor_learning_rate: of Adam.
      critic_learning_rate: of Adam.
      alpha_learning_rate: of Adam.
      target_tau: step of the target critics towards the critics.
      initial_alpha: temperature of the actor at the start.
      target_entropy: of the actor, nats.
      choice_temperature: return per nat of divergence from the initial policy, in the
        selection of the target.
      imitation: weight of the likelihood of successful actions in the actor's loss.
      anchor: initial weight of the cross-entropy to the initial policy.
      anchor_half_life: trials in which that weight halves.
    """

    critic_hidden: tuple[Count, ...] = (128, 128)
    batch_size: Count = 128
    updates_per_trial: Natural = 4
    warmup_trials: Natural = 30
    discount: float = 0.99
    trace: float = 0.9
    success_share: float = 0.5
    demo_share: float = 0.5
    first_share: float = 0.2
    actor_learning_rate: float = 1e-4
    critic_learning_rate: float = 5e-4
    alpha_learning_rate: float = 3e-4
    target_tau: float = 0.01
    initial_alpha: float = 0.005
    target_entropy: float = -7.5
    choice_temperature: float = 0.05
    imitation: float = 0.05
    anchor: float = 0.05
    anchor_half_life: float = 300.0
