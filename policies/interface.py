"""What collection, training and evaluation need to know of every method's policy."""

import dataclasses
from typing import Any

from wtl.envs import domain as domains
from wtl.envs import puck
from wtl.envs import suite as suites
from wtl.envs.layout import Layout


@dataclasses.dataclass(frozen=True)
class Interface:
    """What a policy is shown, and the sizes of its inputs and outputs.

    Attributes:
      demos: whether demonstrations are shown.
      human: whether the demonstrations shown are videos of humans: no actions come with
        them, and they are seen by other eyes than the robot's own doing.
      trials: whether trials, with their success, are shown.
      oracle: whether the true target, family and dynamics are given (a ceiling).
      domain: name of the world, see `wtl.envs.domain`.
      size: number of objects, and of buttons, in a scene; or of targets.
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
    domain: str = domains.GRIPPER
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
    def moves_as_commanded(self) -> bool:
        """Whether what moves is a hidden gain times what is commanded."""
        return self.faulty_motors and domains.DOMAINS[self.domain].moves_as_commanded

    @property
    def layout(self) -> Layout:
        """Layout of the states."""
        return domains.DOMAINS[self.domain].layout(self.size)

    @property
    def entities(self) -> int:
        """E, the number of things in a scene that may be meant."""
        return self.layout.entities

    @property
    def choices(self) -> int:
        """Number of alternatives between which is chosen once per episode."""
        return self.entities


def of_suite(suite: suites.Suite) -> dict[str, Any]:
    """The fields of an `Interface` that follow from the tasks of a suite."""
    return {
        "domain": suite.domain,
        "size": suite.size,
        "action_size": len(suite.world.environment.axes),
        "families": len(suite.world.families),
        "faulty_motors": suite.motor_faults is not None,
        "pucks": suite.puck is not None,
    }
