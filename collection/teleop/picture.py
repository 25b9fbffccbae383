"""The two views of a scene that an operator sees, as one JPEG."""

import io

import mujoco
import numpy as np
from PIL import Image

from wtl.collection.worlds.tabletop.appearance import Appearance, Camera, Light
from wtl.collection.worlds.tabletop.renderer import Mark, Renderer

PIXELS = 480  # of each view
_QUALITY = 75
# Both look the same way as the gripper's y axis: what is right and away on the keys is
# right and up in the picture.
WIDE = Camera(
    azimuth=90.0, elevation=-56.0, distance=1.1, lookat=(0.0, 0.085, 0.0), fovy=42.0
)
_CLOSE_ELEVATION = -46.0
_CLOSE_DISTANCE = 0.44
_CLOSE_SHARE = 0.75  # of the height of the finger tips, so that the table is in sight
_LIGHTS = (
    Light((-0.7, -0.8, 1.4), (0.4, 0.5, -0.77), (0.5, 0.49, 0.46)),
    Light((0.9, -0.6, 1.1), (-0.55, 0.4, -0.73), (0.2, 0.21, 0.23)),
)
_TARGET_RGBA = (1.0, 0.35, 0.05, 1.0)
_PLUMB_RGBA = (0.1, 0.1, 0.12, 0.55)
_ARROW_HEIGHT = 0.14  # metres above the target, where the arrow begins
_ARROW_LENGTH = 0.07


class Picture:
    """Makes pictures of scenes with `size` objects."""

    def __init__(self, size: int):
        """Opens an OpenGL context.

        Raises:
          RendererNotFoundError: if there is no OpenGL.
        """
        self._renderer = Renderer(PIXELS, size)

    def make(
        self,
        compiled: mujoco.MjModel,
        data: mujoco.MjData,
        tip: np.ndarray,
        target: np.ndarray | None = None,
    ) -> bytes:
        """Returns a JPEG with the wide view on the left, the close one on the right.

        A line drops from the finger tips to the table, as depth is hard to see; an
        arrow points at the target.

        Args:
          compiled: the model.
          data: its state.
          tip: [3] where the finger tips are, metres.
          target: [3] where the target is; None keeps it to itself.
        """
        marks = [
            Mark(
                mujoco.mjtGeom.mjGEOM_CYLINDER,
                (tip[0], tip[1], max(tip[2], 0.002) / 2),
                (0.0012, max(tip[2], 0.002) / 2, 0),
                _PLUMB_RGBA,
            ),
            Mark(
                mujoco.mjtGeom.mjGEOM_CYLINDER,
                (tip[0], tip[1], 0.0015),
                (0.012, 0.0005, 0),
                _PLUMB_RGBA,
            ),
        ]
        if target is not None:
            marks.append(
                Mark(
                    mujoco.mjtGeom.mjGEOM_ARROW,
                    (target[0], target[1], target[2] + _ARROW_HEIGHT),
                    (0.009, 0.009, _ARROW_LENGTH),
                    _TARGET_RGBA,
                    down=True,
                )
            )
        close = Camera(
            azimuth=WIDE.azimuth,
            elevation=_CLOSE_ELEVATION,
            distance=_CLOSE_DISTANCE,
            lookat=(tip[0], tip[1], _CLOSE_SHARE * tip[2] + 0.01),
            fovy=WIDE.fovy,
        )
        views = [
            self._renderer.render(compiled, data, _look(camera), marks)
            for camera in (WIDE, close)
        ]
        buffer = io.BytesIO()
        Image.fromarray(np.concatenate(views, axis=1)).save(
            buffer, "JPEG", quality=_QUALITY
        )
        return buffer.getvalue()


def _look(camera: Camera) -> Appearance:
    return Appearance(
        camera=camera, table=(0.82, 0.81, 0.79), lights=_LIGHTS, ambient=(0.36,) * 3
    )
