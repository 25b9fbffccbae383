"""Teleoperation: keys move the gripper's pose, and the joints follow."""

import numpy as np

from wtl.collection.worlds.entities.environment import SceneEnvironment
from wtl.collection.worlds.tabletop.teleop import GripperTeleop


class JointTeleop(GripperTeleop):
    """See the base class."""

    def action(
        self, env: SceneEnvironment, rates: np.ndarray, latch: float
    ) -> np.ndarray:
        """See `Teleop`."""
        if not rates.any():
            return np.array([*env.rest[:-1], latch])
        return env.world.action_of(super().action(env, rates, latch))
