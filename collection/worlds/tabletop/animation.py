"""Motion of the pictures of the tabletop between two control steps."""

import mujoco
import numpy as np

from wtl.collection.teleop.animation import Animation
from wtl.collection.worlds.entities.environment import SceneEnvironment
from wtl.collection.worlds.tabletop import restoration


class PhysicsAnimation(Animation):
    """Interpolation from state to state; the physics itself is not touched.

    The states of a demonstration are [P] physics states of a scene with the same
    objects.
    """

    def __init__(self, env: SceneEnvironment):
        """Begin with an environment that has just been reset."""
        super().__init__()
        self._physics = env.world
        self._data = mujoco.MjData(self._physics.model)
        self.leave(0.0)

    def leave(self, now: float):
        """See the base class."""
        self._began = now
        self._before = self._physics.data.qpos.copy()

    def _present(self, now: float, period: float) -> mujoco.MjData:
        data, after = self._data, self._physics.data
        share = np.clip((now - self._began) / period, 0, 1)
        data.qpos[:] = self._before + share * (after.qpos - self._before)
        data.mocap_pos[:], data.mocap_quat[:] = after.mocap_pos, after.mocap_quat
        mujoco.mj_kinematics(self._physics.model, data)
        return data

    def _shown(self, state: np.ndarray) -> mujoco.MjData:
        restoration.put(self._physics.model, self._data, state)
        return self._data
