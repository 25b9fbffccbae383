"""Interface of oracle bounds, a capability of a world."""

import dataclasses
from typing import Any, Protocol


@dataclasses.dataclass(frozen=True)
class Information:
    """Information that an agent has before it acts in a scene of a task.

    Attributes:
      task: the task.
      scene_seed: scene in which it acts.
      demo_seeds: scenes of the demonstrations, the first one of them given to the
        policy that made the trials.
      demonstrated: whether the agent is given the demonstrations.
      trial_seed: scene of the trials.
      trials: number of trials whose success it observes.
      tried: slot that each of them acted on, -1 for none, and its success; empty where
        the trials are not known.
      of_demonstrated: whether the trials were made by an agent given a demonstration.
      motion: whether it observes how a trial moved, even without its success.
    """

    task: Any
    scene_seed: int
    demo_seeds: tuple[int, ...]
    demonstrated: bool
    trial_seed: int
    trials: int = 0
    tried: tuple[tuple[int, bool], ...] = ()
    of_demonstrated: bool = False
    motion: bool = False


class OracleBound(Protocol):
    """Success of ideal agents on the tasks of a distribution.

    It may also have `open_targets`, with the arguments of `conflict`: the number of
    targets in a scene that readings of a demonstration name.
    """

    def success(self, given: Information) -> float:
        """Return the probability of success of an ideal agent."""

    def nth_trial(self, number: int, split: str) -> float:
        """Return the same in tasks of a split, given all previous trials in one scene.

        It is given nothing else.
        """

    def conflict(self, task: Any, demo_seed: int, scene_seed: int) -> bool:
        """Whether readings of a demonstration name different targets in a scene."""
