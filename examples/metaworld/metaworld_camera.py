"""Camera of Meta-World's scenes that renders fast in software.

The arm is not drawn: its meshes take most of the time, and hide what is handled.
The fingers are. There are no shadows and reflections.
"""

import functools

import mujoco
import numpy as np

from wtl.collection import opengl

PIXELS = 64  # a side
_ARM = ("right_", "base", "controller_box", "head", "pedestal", "screen", "torso")
_MAX_GEOMS = 1000
_SIZE = mujoco.MjrRect(0, 0, PIXELS, PIXELS)


@functools.cache
def _open():
    """Open the OpenGL of this process, which stays current."""
    return opengl.open_context(PIXELS)


@functools.lru_cache(maxsize=2)  # each takes 200 MB, and 0.3 s to make
def camera_of(xml: str) -> "Camera":
    """Return the camera of all environments whose model is this file."""
    return Camera(xml)


class Camera:
    """Renders the states of environments that have the same model."""

    def __init__(self, xml: str):
        """Load a model for drawing, without its arm."""
        _open()
        model = mujoco.MjModel.from_xml_path(xml)
        arm = [
            geom
            for geom in range(model.ngeom)
            if model.body(model.geom_bodyid[geom]).name.startswith(_ARM)
        ]
        model.geom_rgba[arm, 3] = 0.0
        model.geom_matid[arm] = -1
        model.vis.global_.offwidth = model.vis.global_.offheight = PIXELS
        model.vis.quality.shadowsize = model.vis.quality.offsamples = 0
        self._model = model
        self._scene = mujoco.MjvScene(model, _MAX_GEOMS)
        for flag in (
            mujoco.mjtRndFlag.mjRND_SHADOW,
            mujoco.mjtRndFlag.mjRND_REFLECTION,
        ):
            self._scene.flags[flag] = 0
        scale = mujoco.mjtFontScale.mjFONTSCALE_50.value
        self._context = mujoco.MjrContext(model, scale)
        self._option, self._perturbation = mujoco.MjvOption(), mujoco.MjvPerturb()
        self._view = mujoco.MjvCamera()
        self._view.azimuth, self._view.elevation = 125, -35  # degrees
        self._view.distance, self._view.lookat[:] = 1.05, (0.0, 0.7, 0.1)  # metres

    def render(self, data: mujoco.MjData) -> np.ndarray:
        """Return the image uint8[P, P, 3] of a state."""
        buffer = mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value
        mujoco.mjr_setBuffer(buffer, self._context)
        every = mujoco.mjtCatBit.mjCAT_ALL.value
        mujoco.mjv_updateScene(
            *(self._model, data, self._option, self._perturbation, self._view),
            *(every, self._scene),
        )
        mujoco.mjr_render(_SIZE, self._scene, self._context)
        image = np.empty((PIXELS, PIXELS, 3), np.uint8)
        mujoco.mjr_readPixels(image, None, _SIZE, self._context)
        return image[::-1].copy()  # rows from the top
