"""Camera of Meta-World's scenes that renders fast in software.

The arm is not drawn: its meshes take four fifths of the time, and hide what is handled.
The fingers are. There are no shadows and reflections.
"""

import mujoco
import numpy as np

PIXELS = 64  # a side
_ARM = ("right_", "base", "controller_box", "head", "pedestal", "screen", "torso")


class Camera:
    """Renders environments that have the same model, each in a state of its own."""

    def __init__(self, model: mujoco.MjModel):
        """Open a context of OpenGL, and hide the arm in `model`."""
        arm = [
            geom
            for geom in range(model.ngeom)
            if model.body(model.geom_bodyid[geom]).name.startswith(_ARM)
        ]
        model.geom_rgba[arm, 3] = 0.0
        model.geom_matid[arm] = -1
        self._renderer = mujoco.Renderer(model, PIXELS, PIXELS)
        for flag in (
            mujoco.mjtRndFlag.mjRND_SHADOW,
            mujoco.mjtRndFlag.mjRND_REFLECTION,
        ):
            self._renderer.scene.flags[flag] = 0
        self._view = mujoco.MjvCamera()
        self._view.azimuth, self._view.elevation = 125, -35  # degrees
        self._view.distance, self._view.lookat[:] = 1.05, (0.0, 0.7, 0.1)  # metres

    def render(self, data: mujoco.MjData) -> np.ndarray:
        """Return the image uint8[P, P, 3] of a state."""
        self._renderer.update_scene(data, camera=self._view)
        return self._renderer.render()
