"""Motion of the pictures: between two control steps, or a demonstration."""

import abc
from collections.abc import Sequence
from typing import Any


class Animation(abc.ABC):
    """States to show of an attempt, or of a demonstration; a world says what they are.

    The attempt itself is not touched.
    """

    def __init__(self):
        """Begin without a demonstration."""
        self._demonstration: Sequence[Any] | None = None

    def state(self, now: float, period: float) -> Any:
        """Return the state to show at a time; the control period is in seconds too."""
        if self._demonstration is not None:
            if self._demonstration_began is None:
                self._demonstration_began = now
            number = int((now - self._demonstration_began) / period)
            if number < len(self._demonstration):
                return self._shown(self._demonstration[number])
            self._demonstration = None
        return self._present(now, period)

    @property
    def shows_demonstration(self) -> bool:
        """Whether a demonstration is being shown."""
        return self._demonstration is not None

    def show(self, demonstration: Sequence[Any] | None):
        """Show the T states of a demonstration; None ends it."""
        self._demonstration, self._demonstration_began = demonstration, None

    @abc.abstractmethod
    def leave(self, now: float):
        """Begin the way to the next state; call it before a control step."""

    @abc.abstractmethod
    def _present(self, now: float, period: float) -> Any:
        """Return the state of the attempt to show."""

    def _shown(self, state: Any) -> Any:
        """Return the state to show for one of a demonstration."""
        return state
