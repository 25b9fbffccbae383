"""Interfaces between an operator and a world."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from wtl.collection.teleop.animation import Animation
from wtl.collection.worlds.world import Environment, Scene
from wtl.datasets.contract.episode import Episode


@dataclasses.dataclass(frozen=True)
class Command:
    """Command of an operator, of any input device; it holds until the next one.

    Attributes:
      axes: rate of each axis of the world's controls in [-1, 1]; empty for rest.
      latch: new value in [-1, 1] of the latched axis, such as fingers, which keeps its
        value; None leaves it as it is.
      goal: point of the first view to move to, in [-1, 1] from left to right and from
        top to bottom; it takes the place of some axes.
      lead: travel at which each axis is to arrive, the sum of its rates since the start
        of the attempt, as far as a hand has led it; None for axes that it leaves to
        the others. Empty for none.
      wait: lets time pass although nothing moves.
    """

    axes: tuple[float, ...] = ()
    latch: float | None = None
    goal: tuple[float, float] | None = None
    lead: tuple[float | None, ...] = ()
    wait: bool = False

    @property
    def moves(self) -> bool:
        """Whether simulated time passes while the command holds."""
        held = self.wait or self.goal is not None or bool(self.lead)
        return held or any(self.axes)


IDLE = Command()


class Pictures(Protocol):
    """Renderer of what the operator sees."""

    def make(self, env: Environment, state: Any, target: np.ndarray | None) -> bytes:
        """Return a JPEG with two square views side by side.

        Args:
          env: the environment.
          state: what to show of it, from its `Animation`.
          target: [3] position of the target to mark, metres; None marks none.
        """


class Teleop(Protocol):
    """Mapping between an operator and a world, a capability of the world.

    Attributes:
      controls: JSON for the page: labels, keys and paces of the axes, perhaps their
        strides (metres or radians per control step at rate 1), the latched axis or
        null, captions of the views, whether drags do nothing.
      first_latch: value of the latched axis at the start of a scene.
      latch_steps: control steps in which the latched axis reaches a new value.
    """

    controls: Mapping[str, Any]
    first_latch: float
    latch_steps: int

    def instruction(self, scene: Scene) -> str:
        """Return one sentence that says what to do."""

    def target(self, env: Environment) -> np.ndarray | None:
        """Return the [3] position of the target, metres; None where it is unknown."""

    def achieved(self, env: Environment) -> bool:
        """Return whether the goal holds now."""

    def is_clear(self, env: Environment, episode: Episode) -> bool:
        """Return whether a demonstration tells which target it acts on."""

    def demonstration(self, episode: Episode) -> Sequence[Any]:
        """Return the T states of a stored episode that an `Animation` shows."""

    def animation(self, env: Environment) -> Animation:
        """Return the animation of an environment that has just been reset."""

    def rates(self, env: Environment, command: Command) -> np.ndarray:
        """Return the rate of each axis that a command asks for; zeros for rest."""

    def action(self, env: Environment, rates: np.ndarray, latch: float) -> np.ndarray:
        """Return the [A] action of a control step."""

    def latch(self, action: np.ndarray) -> float:
        """Return the value of the latched axis in an action."""

    def moves(self, actions: np.ndarray) -> np.ndarray:
        """Return bool[T], the steps of [T, A] actions that move anything."""

    def hold(self, action: np.ndarray) -> np.ndarray:
        """Return the [A] action that keeps still after an action."""

    def pictures(self, size: int) -> Pictures:
        """Return the renderer of scenes with `size` objects.

        Raises:
          RendererNotFoundError: if it needs OpenGL, and there is none.
        """
