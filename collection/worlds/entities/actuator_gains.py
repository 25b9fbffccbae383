"""Faulty motors: hidden gains between what is commanded and what moves.

A gain scales, and may flip, one dimension of the action: the motion is gain × command,
within the limits of a sound motor. No demonstration tells the gains, since it is made
by somebody else's sound motors; what was commanded in a trial, and what moved, does.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from wtl.datasets.contract.errors import UserError


@dataclasses.dataclass(frozen=True)
class MotorFaults:
    """How the gains of a task are drawn, for each axis by itself.

    Attributes:
      axes: names of the action dimensions whose motors are faulty.
      scale: smallest and largest size of a gain, which is log-uniform between them.
        From 1 on, faulty motors can make every motion of sound ones; smaller ones are
        slower, and what is commanded in their place is cut off at 1.
      flipped: probability that a motor runs backwards.

    Raises:
      UserError: if these are no such numbers.
    """

    axes: tuple[str, ...] = ("x", "y")
    scale: tuple[float, float] = (1.0, 2.0)
    flipped: float = 0.5

    def __post_init__(self):
        if not self.axes:
            raise UserError(
                "motor_faults.axes names no axis; suite.motor_faults = None"
                " is a robot without faults"
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

    @property
    def likeliest(self) -> float:
        """Probability of the likeliest directions of all motors together."""
        return max(self.flipped, 1 - self.flipped) ** len(self.axes)

    def draw(self, rng: np.random.Generator, axes: Sequence[str]) -> tuple[float, ...]:
        """Draws the gains of a task.

        Args:
          rng: of the task.
          axes: names of all dimensions of the action, in order.

        Returns:
          One gain for each of them; 1 where the motor is sound.

        Raises:
          UserError: if the robot has no such axis.
        """
        for name in self.axes:
            if name not in axes:
                raise UserError(
                    f"motor_faults.axes names {name!r}; the robot has {', '.join(axes)}"
                )
        # Drawn for every axis: a further faulty one leaves the others as they are.
        sizes = np.exp(rng.uniform(*np.log(self.scale), len(axes)))
        signs = np.where(rng.random(len(axes)) < self.flipped, -1.0, 1.0)
        faulty = np.isin(axes, self.axes)
        return tuple(np.where(faulty, signs * sizes, 1.0).tolist())


def motion(command: np.ndarray, gains: Sequence[float]) -> np.ndarray:
    """What motors make of a command.

    Args:
      command: [A] within [-1, 1]; what is beyond is cut off.
      gains: [A], or none for sound motors.

    Returns:
      [A] the action of sound motors that moves alike, perhaps beyond [-1, 1].
    """
    return np.clip(command, -1, 1) * np.asarray(gains) if len(gains) else command


def command(motion: np.ndarray, gains: Sequence[float]) -> np.ndarray:
    """What to command motors so that they move as wanted: the inverse of `motion`.

    Args:
      motion: [A] action of sound motors.
      gains: [A], or none for sound motors.
    """
    return np.clip(motion / np.asarray(gains), -1, 1) if len(gains) else motion
