"""Physics of a scene in MuJoCo, the part that all worlds share."""

import copy
from typing import Self

import mujoco
import numpy as np

STATE_SPEC = mujoco.mjtState.mjSTATE_INTEGRATION  # what is stored of the physics


class Physics:
    """Model and state of a scene.

    Attributes:
      model: MuJoCo model.
      data: MuJoCo state.
    """

    model: mujoco.MjModel
    data: mujoco.MjData

    @property
    def time(self) -> float:
        """Simulated seconds since the reset."""
        return self.data.time

    def physics_state(self) -> np.ndarray:
        """Full integration state, float64[P] (`mujoco.mj_setState` takes it)."""
        state = np.empty(mujoco.mj_stateSize(self.model, STATE_SPEC))
        mujoco.mj_getState(self.model, self.data, state, STATE_SPEC)
        return state

    def imagine(self) -> Self:
        """Return a copy of this world that can be stepped in its place."""
        imagined = copy.copy(self)
        imagined.data = mujoco.MjData(self.model)
        mujoco.mj_copyData(imagined.data, self.model, self.data)
        return imagined
