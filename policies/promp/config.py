"""Hyper-parameters of ProMP and of MAML for RL."""

import dataclasses

from wtl.datasets.contract.limits import Count, Natural, NotNegative, Share
from wtl.policies import promp


@dataclasses.dataclass(frozen=True)
class PrompConfig:
    """Hyper-parameters of ProMP, with defaults for point robots.

    Attributes:
      credit: estimator of the inner objective, one of `promp.CREDITS`.
      inner_step: whether the policy adapts; else it is trained by PPO on all trials.
      pre_trials: first trials of a task, on which the inner step is taken.
      alpha: initial inner step size of every parameter.
      learned_alpha: whether step sizes are trained too, elementwise.
      inner_clip: largest magnitude of an element of the inner gradient.
      context: width of the adapted vector that joins the inputs of the first layer, all
        that adapts in front of the attention over entities.
      hidden: widths of the adapted layers.
      log_sigma: of the actions at the start of training.
      discount: of rewards, per step, within a trial.
      trace: lambda of the generalised advantage estimates.
      clip: range of PPO's probability ratio around 1.
      kl_weight: of the divergence from the policy that played the first trials.
      learning_rate: of Adam.
      gradient_norm: global norm to which gradients are clipped.
      tasks_per_round: tasks with new trials in each round.
      trials_per_task: trials of each of them, before and after the inner step.
      epochs: gradient steps on a round.
    """

    credit: str = promp.LIKELIHOOD_RATIO
    inner_step: bool = True
    pre_trials: Count = 4
    alpha: NotNegative = 0.1
    learned_alpha: bool = True
    inner_clip: NotNegative = 10.0
    context: Natural = 8
    hidden: tuple[Count, ...] = (64, 64)
    log_sigma: float = -0.5
    discount: Share = 0.9
    trace: Share = 0.9
    clip: NotNegative = 0.2
    kl_weight: NotNegative = 5e-4
    learning_rate: NotNegative = 2e-3
    gradient_norm: NotNegative = 0.5
    tasks_per_round: Count = 20
    trials_per_task: Count = 8
    epochs: Count = 5

    def __post_init__(self):
        if self.credit not in promp.CREDITS:
            known = ", ".join(promp.CREDITS)
            raise ValueError(f"credit is {self.credit!r}; choose from {known}")
        if self.adaptation_trials >= self.trials_per_task:
            raise ValueError(
                f"trials_per_task is {self.trials_per_task}; it must be larger than "
                f"pre_trials, {self.pre_trials}, to leave trials after the inner step"
            )

    @property
    def adaptation_trials(self) -> int:
        """K, the number of trials before the inner step, 0 without one."""
        return self.pre_trials if self.inner_step else 0
