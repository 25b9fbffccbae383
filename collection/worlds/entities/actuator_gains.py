"""Hidden actuator gains: factors between commands and motions.

A gain scales, and may flip, one dimension of the action: the motion is gain × command,
with the command cut off at 1. Demonstrations are made with nominal actuators, so they
hold no information on the gains; commands and motions of a trial do.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.limits import Natural


@dataclasses.dataclass(frozen=True)
class ActuatorGainDistribution:
    """Distribution of the actuator gains of a task, independent by axis.

    Attributes:
      axes: names of the action dimensions with hidden gains.
      scale: smallest and largest size of a gain, which is log-uniform between them.
        From 1 on, every motion of nominal actuators is possible; smaller gains are
        slower.
      flipped: probability that a gain is negative.
      onset: control steps of every episode before the gains take effect; until then
        actuators are nominal.

    Raises:
      UserError: if a value is out of its range.
    """

    axes: tuple[str, ...] = ("x", "y")
    scale: tuple[float, float] = (1.0, 2.0)
    flipped: float = 0.5
    onset: Natural = 0

    def __post_init__(self):
        if not self.axes:
            raise UserError(
                "motor_faults.axes names no axis; suite.motor_faults = None "
                "gives nominal actuators"
            )
        if len(self.scale) != 2 or not 0 < self.scale[0] <= self.scale[1]:
            raise UserError(
                f"motor_faults.scale is {self.scale}; it takes the smallest and the "
                "largest gain, both above 0"
            )
        if not 0 <= self.flipped <= 1:
            raise UserError(
                f"motor_faults.flipped is {self.flipped}; it is a probability"
            )

    def draw(self, rng: np.random.Generator, axes: Sequence[str]) -> tuple[float, ...]:
        """Draw the gains of a task.

        Args:
          rng: of the task.
          axes: names of all dimensions of the action, in order.

        Returns:
          One gain for each of them; 1 for nominal actuators.

        Raises:
          UserError: if the robot has no such axis.
        """
        for name in self.axes:
            if name not in axes:
                raise UserError(
                    f"motor_faults.axes names {name!r}; the robot has {', '.join(axes)}"
                )
        # Drawn for every axis: adding one to `axes` leaves the others as they are.
        sizes = np.exp(rng.uniform(*np.log(self.scale), len(axes)))
        signs = np.where(rng.random(len(axes)) < self.flipped, -1.0, 1.0)
        return tuple(np.where(np.isin(axes, self.axes), signs * sizes, 1.0).tolist())


def motion(command: np.ndarray, gains: Sequence[float]) -> np.ndarray:
    """Return the motion of a command.

    Args:
      command: [A], cut off at -1 and 1.
      gains: [A], or none for nominal actuators.

    Returns:
      [A] the action of nominal actuators that moves alike, perhaps beyond [-1, 1].
    """
    return np.clip(command, -1, 1) * np.asarray(gains) if len(gains) else command


def command(motion: np.ndarray, gains: Sequence[float]) -> np.ndarray:
    """Return the command of a desired motion: the inverse of `motion`.

    Args:
      motion: [A] action of nominal actuators.
      gains: [A], or none for nominal actuators.
    """
    return np.clip(motion / np.asarray(gains), -1, 1) if len(gains) else motion
