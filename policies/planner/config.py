"""Configuration of a planner."""

import dataclasses

from wtl.datasets.contract.limits import Count, NotNegative, Share
from wtl.policies import interface

CEM, MPPI = OPTIMISERS = ("cem", "mppi")


@dataclasses.dataclass(frozen=True)
class PlannerConfig:
    """Optimisation of the actions of the next steps, anew at each step.

    Attributes:
      optimiser: `cem` or `mppi`, see `wtl.policies.planner.optimiser`.
      horizon: H, steps that are planned.
      candidates: N, action sequences in each iteration.
      iterations: number of iterations.
      noise: initial standard deviation of actions, as a share of half their range.
      elites: share of the candidates to which `cem` fits the next ones.
      temperature: of the weights of `mppi`, in standard deviations of the returns.
      discount: factor by which each step counts less than the one before.
      end_cost: subtracted where the model predicts that the episode ends, for what it
        would have earned beyond the horizon; in units of the reward.
    """

    optimiser: str = CEM
    horizon: Count = 10
    candidates: Count = 250
    iterations: Count = 2
    noise: NotNegative = 0.5
    elites: Share = 0.1
    temperature: NotNegative = 0.2
    discount: Share = 1.0
    end_cost: NotNegative = 0.0

    def __post_init__(self):
        interface.require("optimiser", self.optimiser, OPTIMISERS)

    @property
    def elite_count(self) -> int:
        """Number of the elites."""
        return max(round(self.elites * self.candidates), 1)
