"""Interface of a policy to collection, training and evaluation."""

import dataclasses

from wtl.datasets.contract.layout import Layout
from wtl.datasets.contract.limits import Count

# Source of the episodes given as trials, and of their success.
TRY, ANOTHER_TASK, DEMO = TRIALS_FROM = ("try", "another_task", "demo")
TOLD, HIDDEN, SHUFFLED = TRIAL_SUCCESS = ("told", "hidden", "shuffled")

# Regression of commands on the motions of the last transitions.
RIDGE, GRADIENT, RECURRENCE, CONTEXT = "ridge", "gradient", "recurrence", "context"
COMPENSATION = ("", RIDGE, GRADIENT, RECURRENCE, CONTEXT)

# Source of these transitions.
OWN, ANOTHER_EPISODE = WINDOW_FROM = ("own", "another_episode")

# Fields that runs may choose: evaluation reads them off a saved policy.
CHOSEN = (
    *("trials_from", "trial_success", "trial_actions", "chunk", "executed"),
    *("gains_given", "compensation", "window", "window_from", "meta_trained"),
)


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
      gains_given: whether the true actuator gains are given, and compensated.
      compensation: regression by which the policy compensates hidden actuator gains
        within an episode, one of `COMPENSATION`; empty for none.
      window: number of the last transitions that it is adapted to.
      window_from: transitions of the `own` episode, or, as a control, of
        `another_episode`, played beside it.
      meta_trained: whether it is trained to predict after its adaptation; else, as a
        control, without adaptation.
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
    gains_given: bool = False
    compensation: str = ""
    window: Count = 16
    window_from: str = OWN
    meta_trained: bool = True
    chunk: Count = 1
    executed: Count = 1

    def __post_init__(self):
        require("trials_from", self.trials_from, TRIALS_FROM)
        require("trial_success", self.trial_success, TRIAL_SUCCESS)
        require("compensation", self.compensation, COMPENSATION)
        require("window_from", self.window_from, WINDOW_FROM)
        adapts = self.gains_given or self.compensation
        if adapts and self.layout is not None and not self.moves_as_commanded:
            raise ValueError(
                "compensation needs suite.motor_faults, in a world whose observations "
                "show the motion of every command"
            )
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
