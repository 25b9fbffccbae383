"""What collection, training and evaluation need to know of every method's policy."""

import dataclasses

from wtl.datasets.contract.layout import Layout

# Where what is shown as trials comes from, and what is told of their success.
TRY, ANOTHER_TASK, DEMO = TRIALS_FROM = ("try", "another_task", "demo")
TOLD, HIDDEN, SHUFFLED = TRIAL_SUCCESS = ("told", "hidden", "shuffled")

# Fields that evaluation reads off a saved policy, so that runs may choose them.
OF_TRIALS = ("trials_from", "trial_success", "trial_actions")


@dataclasses.dataclass(frozen=True)
class Interface:
    """What a policy is shown, and the sizes of its inputs and outputs.

    Attributes:
      demos: whether demonstrations are shown.
      human: whether the demonstrations shown are videos of humans: no actions come with
        them, and they are seen by other eyes than the robot's own doing.
      trials: whether trials, with their success, are shown.
      trials_from: what is shown as trials: the `try` itself, one of `another_task` with
        its success there, or the demonstrations over again (`demo`).
      trial_success: `told` as it was, `hidden`, or `shuffled`: told of another trial.
      trial_actions: whether the actions of trials are shown.
      oracle: whether the true target, family and dynamics are given (a ceiling).
      layout: layout of the states, with the world's network inputs; None until the
        world is known.
      action_size: A.
      families: names of the families, in the order of their numbers.
      hidden_gains: whether actuators may have hidden gains.
      hidden_size: H, hidden variables beyond friction, the gains first; the oracle is
        given them.
      moves_as_commanded: whether a step moves by hidden gain times command.
      context_frames: frames each context episode is resampled to.
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

    def __post_init__(self):
        """Checks what is chosen by name.

        Raises:
          ValueError: if there is no such choice.
        """
        require("trials_from", self.trials_from, TRIALS_FROM)
        require("trial_success", self.trial_success, TRIAL_SUCCESS)

    @property
    def trials_tell(self) -> bool:
        """Whether trials tell which reading of the demonstration was meant."""
        return self.trials_from == TRY and self.trial_success == TOLD

    @property
    def entities(self) -> int:
        """E, the number of things in a scene that may be meant."""
        return self.layout.entities

    @property
    def choices(self) -> int:
        """Number of alternatives between which is chosen once per episode."""
        return self.entities


def require(name: str, value: str, choices: tuple[str, ...]):
    """Raises ValueError unless a field has one of its values."""
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; it may be {', '.join(choices)}")
