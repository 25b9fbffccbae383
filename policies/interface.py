"""What collection, training and evaluation need to know of every method's policy."""

import dataclasses

from wtl.envs import puck


@dataclasses.dataclass(frozen=True)
class Interface:
    """What a policy is shown, and the sizes of its inputs and outputs.

    Attributes:
      demos: whether demonstrations are shown.
      human: whether the demonstrations shown are videos of humans: no actions come with
        them, and they are seen by other eyes than the robot's own doing.
      trials: whether trials, with their success, are shown.
      oracle: whether the true target, family and dynamics are given (a ceiling).
      size: number of objects, and of buttons, in a scene.
      action_size: A.
      families: number of families, for the oracle.
      faulty_motors: whether motors may have hidden gains; the oracle is told them.
      pucks: whether all hidden dynamics of objects are drawn; likewise.
      context_frames: frames each context episode is resampled to.
    """

    demos: bool = False
    human: bool = False
    trials: bool = False
    oracle: bool = False
    size: int = 3
    action_size: int = 5
    families: int = 5
    faulty_motors: bool = False
    pucks: bool = False
    context_frames: int = 20

    @property
    def hidden_size(self) -> int:
        """Number of hidden variables beyond friction."""
        return self.action_size * self.faulty_motors + puck.HIDDEN_SIZE * self.pucks

    @property
    def entities(self) -> int:
        """Number of objects and buttons in a scene."""
        return 2 * self.size
