"""What an operator wants the gripper to do now, whatever device says so."""

import dataclasses

Axes = tuple[float, float, float, float]

REST: Axes = (0.0, 0.0, 0.0, 0.0)


@dataclasses.dataclass(frozen=True)
class Command:
    """A command; it holds until the next one.

    Attributes:
      axes: x, y, z and yaw in [-1, 1], in the units of `World.step`.
      finger: from open (-1) to closed (1); None leaves it as it is.
      goal: where on the wide view to drag the gripper to, in the coordinates of
        `Camera.project`; it takes the place of the x and y axes.
      wait: lets time pass though nothing moves.
    """

    axes: Axes = REST
    finger: float | None = None
    goal: tuple[float, float] | None = None
    wait: bool = False

    @property
    def moves(self) -> bool:
        """Whether the world has to go on for it; otherwise the world waits."""
        return self.wait or self.goal is not None or any(self.axes)


IDLE = Command()
