"""Off-screen renderer of scenes."""

import atexit
import dataclasses
import functools
from collections.abc import Sequence

import mujoco
import numpy as np

from wtl.collection import opengl
from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.collection.worlds.tabletop import arena, hand, model, studio
from wtl.collection.worlds.tabletop import object_set as object_sets
from wtl.collection.worlds.tabletop.appearance import Appearance

_MAX_GEOMS = 200
_DOWN = np.diag((1.0, -1.0, -1.0))


@functools.cache
def shared(pixels: int, size: int, is_film: bool = False) -> "Renderer":
    """Return the renderer that all environments of this process share.

    Args:
      pixels: see `Renderer`.
      size: see `Renderer`.
      is_film: see `Renderer`.
    """
    renderer = Renderer(pixels, size, is_film)
    atexit.register(renderer.close)  # PyOpenGL does not survive the interpreter
    return renderer


@dataclasses.dataclass(frozen=True)
class Mark:
    """Shape drawn into the picture that is not part of the scene.

    Attributes:
      shape: the type of geom.
      position: [3] its centre, metres; of an arrow the start.
      size: [3] as of a geom of this shape, metres; of an arrow widths and length.
      rgba: [4] colour in [0, 1].
      down: whether it is turned upside down.
    """

    shape: mujoco.mjtGeom
    position: Sequence[float]
    size: tuple[float, float, float]
    rgba: tuple[float, float, float, float]
    down: bool = False


class Renderer:
    """Renders square images of scenes with `size` objects and as many buttons."""

    def __init__(self, pixels: int, size: int, is_film: bool = False):
        """Open an OpenGL context, see `opengl.open_context`.

        Args:
          pixels: height and width of the images.
          size: number of objects in the scenes.
          is_film: whether a table, floor and shadows are drawn, with antialiasing, in
            place of the light and the table's colour that policies observe.

        Raises:
          RendererNotFoundError: if there is no OpenGL.
        """
        self._gl = opengl.open_context(pixels)
        # Object sets differ in sizes and colours alone, which belong to the scene.
        template = model.compile_model(object_sets.draw("layout", size, 0)).__copy__()
        template.vis.global_.offwidth = template.vis.global_.offheight = pixels
        template.vis.quality.offsamples = 0
        template.vis.quality.shadowsize = 0
        self._table = template.geom(arena.SURFACE).id
        self._is_film = is_film
        if is_film:
            template = studio.textures(pixels)
        self._scene = mujoco.MjvScene(template, _MAX_GEOMS)
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = False
        self._scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
        self._context = mujoco.MjrContext(
            template, mujoco.mjtFontScale.mjFONTSCALE_50.value
        )
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._context)
        self._viewport = mujoco.MjrRect(0, 0, pixels, pixels)
        self._option = mujoco.MjvOption()
        self._view = mujoco.MjvCamera()
        self._image = np.empty((pixels, pixels, 3), np.uint8)

    def render(
        self,
        compiled: mujoco.MjModel,
        data: mujoco.MjData,
        look: Appearance,
        marks: Sequence[Mark] = (),
        camera: str | None = None,
    ) -> np.ndarray:
        """Return the uint8[H, W, 3] image of a state.

        Args:
          compiled: the model.
          data: the state.
          look: camera, light and colours.
          marks: shapes to add.
          camera: name of a camera of the model; the one of `look` by default.
        """
        self._gl.make_current()
        view = self._view
        if camera is None:
            view.type = mujoco.mjtCamera.mjCAMERA_FREE
        else:
            view.type = mujoco.mjtCamera.mjCAMERA_FIXED
            view.fixedcamid = compiled.camera(camera).id
        view.lookat[:] = look.camera.lookat
        view.distance, view.azimuth = look.camera.distance, look.camera.azimuth
        view.elevation = look.camera.elevation
        # The field of view of a free camera is the model's.
        compiled.vis.global_.fovy = look.camera.fovy
        scene = self._scene
        mujoco.mjv_updateScene(
            compiled,
            data,
            self._option,
            None,
            view,
            mujoco.mjtCatBit.mjCAT_ALL.value,
            scene,
        )
        self._paint(compiled, look)
        if self._is_film:
            studio.furnish(scene, self._table)
        for mark in marks:
            self._draw(mark)
        mujoco.mjr_render(self._viewport, scene, self._context)
        mujoco.mjr_readPixels(self._image, None, self._viewport, self._context)
        return self._image[::-1].copy()

    def _paint(self, compiled: mujoco.MjModel, look: Appearance):
        scene = self._scene
        colours = dict(_material_colours(compiled, look))
        for geom in scene.geoms[: scene.ngeom]:
            if geom.objtype != mujoco.mjtObj.mjOBJ_GEOM:
                continue
            if geom.objid == self._table:
                geom.rgba[:3] = look.table
            elif compiled.geom_matid[geom.objid] in colours:
                geom.rgba[:3] = colours[compiled.geom_matid[geom.objid]]
        scene.nlight = len(look.lights)
        for i, given in enumerate(look.lights):
            light = scene.lights[i]
            light.headlight = light.castshadow = 0
            light.type = mujoco.mjtLightType.mjLIGHT_SPOT
            light.pos[:], light.dir[:] = given.position, given.direction
            light.attenuation[:] = (1, 0, 0)
            light.cutoff, light.exponent = 90, 0
            light.diffuse[:] = given.diffuse
            light.specular[:] = 0
            light.ambient[:] = look.ambient if i == 0 else 0

    def _draw(self, mark: Mark):
        scene = self._scene
        mujoco.mjv_initGeom(
            scene.geoms[scene.ngeom],
            mark.shape,
            np.array(mark.size, np.float64),
            np.array(mark.position, np.float64),
            (_DOWN if mark.down else np.eye(3)).ravel(),
            np.array(mark.rgba, np.float32),
        )
        scene.ngeom += 1

    def close(self):
        """Free the OpenGL context."""
        self._context.free()
        self._gl.free()


def _material_colours(compiled: mujoco.MjModel, look: Appearance):
    """Yield (material id, RGB) of the materials whose colour a look sets."""
    names = [compiled.material(i).name for i in range(compiled.nmat)]
    for name, rgb in ((hand.SKIN, look.skin), (hand.SLEEVE, look.sleeve)):
        full = f"{model.BODY_NAMES[Embodiment.HUMAN]}/{name}"
        if full in names:
            yield names.index(full), rgb
