"""Interfaces of what a session of teleoperation is given: a world and a policy."""

from collections.abc import Mapping
from typing import Any, Protocol

import mujoco
import numpy as np

from wtl.collection.teleop.command import Command
from wtl.collection.worlds.world import Environment, Scene

Observation = dict[str, np.ndarray]


class Pictures(Protocol):
    """Renderer of what the operator sees."""

    def make(self, physics: Any, data: mujoco.MjData, target: np.ndarray | None):
        """Return a JPEG with two square views side by side.

        Args:
          physics: `world` of the environment.
          data: state to show, of the same model.
          target: [3] position of the target to mark, metres; None marks none.
        """


class Teleop(Protocol):
    """Mapping between an operator and a world, a capability of the world.

    Attributes:
      controls: JSON for the page: labels, keys and paces of the axes, the latched axis,
        captions of the views.
      first_latch: value of the latched axis at the start of a scene.
      latch_steps: control steps in which the latched axis reaches a new value.
    """

    controls: Mapping[str, Any]
    first_latch: float
    latch_steps: int

    def instruction(self, scene: Scene) -> str:
        """Return one sentence that says what to do."""

    def target(self, env: Environment) -> np.ndarray:
        """Return the [3] position of the target, metres."""

    def rates(self, env: Environment, command: Command) -> np.ndarray:
        """Return the rate of each axis that a command asks for; zeros for rest."""

    def action(self, rates: np.ndarray, latch: float) -> np.ndarray:
        """Return the [A] action of a control step."""

    def latch(self, action: np.ndarray) -> float:
        """Return the value of the latched axis in an action."""

    def moves(self, actions: np.ndarray) -> np.ndarray:
        """Return bool[T], the steps of [T, A] actions that move anything."""

    def hold(self, action: np.ndarray) -> np.ndarray:
        """Return the [A] action that keeps still after an action."""

    def pictures(self, size: int) -> Pictures:
        """Open an OpenGL context for scenes with `size` objects.

        Raises:
          RendererNotFoundError: if there is no OpenGL.
        """


class PolicyDriver(Protocol):
    """Policy that acts in place of the operator; it answers when it is ready."""

    policy_id: str

    def begin(self, shown: str, observation: Observation):
        """Begin an attempt.

        Args:
          shown: id of the demonstration that the policy is given.
          observation: the first one of the attempt.
        """

    def ask(self, observation: Observation):
        """Request an action for an observation; earlier requests become void."""

    def answer(self) -> np.ndarray | None:
        """Return the float32[A] action, or None while it is being computed."""
