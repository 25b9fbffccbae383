"""Motion of the pictures: between two control steps, or a demonstration."""

from typing import Any

import mujoco
import numpy as np

from wtl.collection.worlds.scene_renderer import SceneRenderer


class Animation:
    """Interpolation from state to state; the physics itself is not touched."""

    def __init__(self, physics: Any, renderer: SceneRenderer):
        """Begin with the `world` of an environment that has just been reset."""
        self._physics = physics
        self._renderer = renderer
        self._data = mujoco.MjData(physics.model)
        self._demonstration: np.ndarray | None = None
        self.leave(0.0)

    def leave(self, now: float):
        """Begin the way to the next state; call it before a control step."""
        self._began = now
        self._before = self._physics.data.qpos.copy()

    def state(self, now: float, period: float) -> mujoco.MjData:
        """Return the state to show at a time; the control period is in seconds too."""
        data = self._data
        if self._demonstration is not None:
            if self._demonstration_began is None:
                self._demonstration_began = now
            number = int((now - self._demonstration_began) / period)
            if number < len(self._demonstration):
                model, state = self._physics.model, self._demonstration[number]
                self._renderer.put(model, data, state)
                return data
            self._demonstration = None
        share = np.clip((now - self._began) / period, 0, 1)
        after = self._physics.data
        data.qpos[:] = self._before + share * (after.qpos - self._before)
        data.mocap_pos[:], data.mocap_quat[:] = after.mocap_pos, after.mocap_quat
        mujoco.mj_kinematics(self._physics.model, data)
        return data

    @property
    def shows_demonstration(self) -> bool:
        """Whether a demonstration is being shown."""
        return self._demonstration is not None

    def show(self, demonstration: np.ndarray | None):
        """Show [T, P] physics states of a scene with the same objects; None ends it."""
        self._demonstration, self._demonstration_began = demonstration, None
