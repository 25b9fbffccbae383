"""Table, floor and light of films and pages, which policies never observe.

Shadows and antialiasing make a picture some six times as slow to render in software.
"""

import mujoco
import numpy as np

_SAMPLES = 4  # of each pixel
_SHADOW_PIXELS = 2048
_EXTENT = 1.5  # metres; scales the depths of camera and shadows

_TOP = (0.72, 0.92, 0.02)  # metres, half sizes of the table top
_MIDDLE = (0.0, 0.15)  # metres
_HEIGHT = 0.72  # metres
_LEG = 0.03  # metres, half of its width
_INSET = 0.08  # metres from the edges to the legs
_EDGE_RGBA = (0.55, 0.47, 0.38, 1)
_LEG_RGBA = (0.24, 0.25, 0.27, 1)
_FLOOR_RGBA = (0.66, 0.68, 0.70, 1)
_FLOOR_GLOW = 0.55  # of the floor's colour, where no light reaches
_ZENITH, _HORIZON = (0.58, 0.65, 0.73), (0.88, 0.90, 0.92)

_DARK, _LIGHT = np.array((0.63, 0.54, 0.44)), np.array((0.80, 0.72, 0.62))
_GRAIN_PIXELS = 512
_PLANKS = 6  # in a metre or so
_GRAIN = ((31, 0.35), (67, 0.3), (113, 0.2), (201, 0.15))  # waves across, and weights

_AIM = np.array((0.0, 0.2, 0.0))  # metres
_KEY = np.array((-0.7, -0.6, 2.6))  # metres
_KEY_RGB = np.array((0.50, 0.49, 0.46))
_FILL = np.array((1.4, -0.9, 1.6))
_FILL_RGB = np.array((0.26, 0.27, 0.29))
_AMBIENT = (0.36, 0.365, 0.375)
_SHINE = 0.4  # of the key light
_CUTOFF = 42  # degrees; shadows are the finer, the narrower it is


def textures(pixels: int) -> mujoco.MjModel:
    """Return a model of nothing but wood and sky, for a renderer of square images."""
    spec = mujoco.MjSpec()
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=_ZENITH,
        rgb2=_HORIZON,
        width=64,
        height=6 * 64,
    )
    wood = spec.add_texture(
        name="wood",
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        width=_GRAIN_PIXELS,
        height=_GRAIN_PIXELS,
        nchannel=3,
    )
    wood.data = _wood().tobytes()
    material = spec.add_material(name="wood", texuniform=True, texrepeat=(0.9, 0.9))
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "wood"
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=(1, 1, 1))
    spec.stat.extent = _EXTENT
    compiled = spec.compile()
    compiled.vis.global_.offwidth = compiled.vis.global_.offheight = pixels
    compiled.vis.quality.offsamples = _SAMPLES
    compiled.vis.quality.shadowsize = _SHADOW_PIXELS
    return compiled


def furnish(scene: mujoco.MjvScene, surface: int):
    """Put wood on the table of a scene, an edge and legs under it, floor and light.

    Args:
      scene: has been updated, and painted as policies observe it.
      surface: number of the geom of the table.
    """
    scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = True
    for geom in scene.geoms[: scene.ngeom]:
        geom.matid = -1  # the materials are those of `textures`
        if geom.objtype == mujoco.mjtObj.mjOBJ_GEOM and geom.objid == surface:
            geom.matid = 0
            geom.rgba[:] = 1
            geom.pos[:2], geom.size[:2] = _MIDDLE, _TOP[:2]
    x, y = _MIDDLE
    width, depth, half = _TOP
    box, plane = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_PLANE
    _add(scene, box, (x, y, -half - 0.001), _TOP, _EDGE_RGBA)
    tall = _HEIGHT / 2 - half
    for right in (-1, 1):
        for far in (-1, 1):
            corner = x + right * (width - _INSET), y + far * (depth - _INSET)
            at = (*corner, -2 * half - tall)
            _add(scene, box, at, (_LEG, _LEG, tall), _LEG_RGBA)
    _add(scene, plane, (0, 0, -_HEIGHT - half), (8, 8, 1), _FLOOR_RGBA)
    scene.geoms[scene.ngeom - 1].emission = _FLOOR_GLOW
    scene.nlight = 2
    _shine(scene.lights[0], _FILL, _FILL_RGB, _AMBIENT)
    _shine(scene.lights[1], _KEY, _KEY_RGB, 0)
    scene.lights[1].castshadow = 1
    scene.lights[1].specular[:] = _SHINE * _KEY_RGB


def _add(scene: mujoco.MjvScene, shape, position, size, rgba):
    mujoco.mjv_initGeom(
        scene.geoms[scene.ngeom],
        shape,
        np.array(size, np.float64),
        np.array(position, np.float64),
        np.eye(3).ravel(),
        np.array(rgba, np.float32),
    )
    scene.geoms[scene.ngeom].specular = 0
    scene.ngeom += 1


def _shine(light, position: np.ndarray, diffuse, ambient):
    way = _AIM - position
    light.headlight = light.castshadow = 0
    light.type = mujoco.mjtLightType.mjLIGHT_SPOT
    light.pos[:], light.dir[:] = position, way / np.linalg.norm(way)
    light.attenuation[:] = (1, 0, 0)
    light.cutoff, light.exponent = _CUTOFF, 0
    light.diffuse[:], light.ambient[:], light.specular[:] = diffuse, ambient, 0


def _wood() -> np.ndarray:
    """Return planks with grain, uint8[H, W, 3]."""
    rng = np.random.default_rng(0)
    y = np.arange(_GRAIN_PIXELS)[:, None] / _GRAIN_PIXELS
    x = y.T
    plank = (y * _PLANKS).astype(int)
    shift, tone = rng.uniform(0, 1, _PLANKS)[plank], rng.uniform(0, 1, _PLANKS)[plank]
    bent = 0.35 * np.sin(2 * np.pi * (x + 3 * shift))
    waves = (
        weight * np.sin(2 * np.pi * (count * y + bent + 9 * shift))
        for count, weight in _GRAIN
    )
    share = np.clip(0.35 + 0.25 * sum(waves) + 0.3 * tone, 0, 1)[..., None]
    rgb = _DARK + share * (_LIGHT - _DARK)
    seam = np.abs((y * _PLANKS + 0.5) % 1 - 0.5) < 0.012
    return (255 * rgb * np.where(seam, 0.84, 1.0)[..., None]).astype(np.uint8)
