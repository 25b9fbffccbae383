"""Command of an operator, whatever the input device."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Command:
    """A command; it holds until the next one.

    Attributes:
      axes: rate of each axis of the world's controls in [-1, 1]; empty for rest.
      latch: new value in [-1, 1] of the latched axis, such as fingers, which keeps its
        value; None leaves it as it is.
      goal: point of the first view to move to, in [-1, 1] from left to right and from
        top to bottom; it takes the place of some axes.
      wait: lets time pass although nothing moves.
    """

    axes: tuple[float, ...] = ()
    latch: float | None = None
    goal: tuple[float, float] | None = None
    wait: bool = False

    @property
    def moves(self) -> bool:
        """Whether simulated time passes while the command holds."""
        return self.wait or self.goal is not None or any(self.axes)


IDLE = Command()
