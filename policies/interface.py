"""Interface of a policy to collection, training and evaluation."""

import dataclasses

from wtl.datasets.contract.layout import Layout
from wtl.datasets.contract.limits import Count

# Source of the episodes given as trials, and of their success.
TRY, ANOTHER_TASK, DEMO = TRIALS_FROM = ("try", "another_task", "demo")
TOLD, HIDDEN, SHUFFLED = TRIAL_SUCCESS = ("told", "hidden", "shuffled")

# Fields that runs may choose: evaluation reads them off a saved policy.
CHOSEN = ("trials_from", "trial_success", "trial_actions", "chunk", "executed")


@dataclasses.dataclass(frozen=True)
class Interface:
    """Context of a policy, and the sizes of its inputs and outputs.

    Attributes:
      demos: whether demonstrations are given.
      human: whether the demonstrations are human videos, which have no actions and an
        observation encoder of their own.
      trials: whether trials, with their success, are given.
      trials_from: episodes given as trials: the `try` itself, one of `another_task`
        with its success there, or the demonstrations again (`demo`).
      trial_success: given (`told`), `hidden`, or `shuffled`: that of another trial.
      trial_actions: whether the actions of trials are given.
      oracle: whether the true target, family and dynamics are given.
      layout: layout of the states, with the world's network inputs; None until the
        world is known.
      action_size: A.
      families: names of the families, in the order of their numbers.
      hidden_gains: whether actuators may have hidden gains.
      hidden_size: H, hidden variables of the oracle beyond friction, gains first.
      moves_as_commanded: whether a step moves by hidden gain times command.
      context_frames: frames each context episode is resampled to.
      interval_actions: whether the action of a frame is the mean of those until the
        next frame; else it is the one that was taken at the frame.
      every_frame: whether these are as many as an episode has at most.
      chunk: number of consecutive actions that are predicted at once.
      executed: number of these that are executed before the next prediction.
    """

    demos: bool = False
    human: bool = False
    trials: bool = False
    trials_from: str = TRY
    trial_success: str = TOLD
    trial_actions: bool = True
    oracle: bool = False
    layout: Layout | None = None
    action_size: int = 5
    families: tuple[str, ...] = ()
    hidden_gains: bool = False
    hidden_size: int = 0
    moves_as_commanded: bool = False
    context_frames: int = 20
    interval_actions: bool = False
    every_frame: bool = False
    chunk: Count = 1
    executed: Count = 1

    def __post_init__(self):
        require("trials_from", self.trials_from, TRIALS_FROM)
        require("trial_success", self.trial_success, TRIAL_SUCCESS)
        if self.executed > self.chunk:
            raise ValueError(
                f"executed is {self.executed}, but a chunk has {self.chunk} actions"
            )

    @property
    def trials_tell(self) -> bool:
        """Whether trials resolve the ambiguity of the demonstration."""
        return self.trials_from == TRY and self.trial_success == TOLD

    @property
    def has_density(self) -> bool:
        """Whether the policy predicts a density of actions."""
        return True

    @property
    def chunk_size(self) -> int:
        """D, the length of a chunk of actions."""
        return self.chunk * self.action_size

    @property
    def entities(self) -> int:
        """E, the number of entities in a scene."""
        return self.layout.entities

    @property
    def choices(self) -> int:
        """C, the number of alternatives of the choices made once per episode."""
        return self.entities


def require(name: str, value: str | int, choices: tuple[str | int, ...]):
    """Raise ValueError unless a field has one of its values."""
    if value not in choices:
        allowed = ", ".join(map(str, choices))
        raise ValueError(f"{name} is {value!r}; it may be {allowed}")
