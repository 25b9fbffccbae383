"""Appearance of an episode: camera, light and colours, as data for a renderer."""

import dataclasses

import numpy as np

from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.collection.worlds.tabletop import hand
from wtl.datasets.contract import seeding

RGB = tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class Camera:
    """Camera on an orbit, in the terms of `mujoco.MjvCamera`.

    Attributes:
      azimuth: degrees; 90 looks along positive y.
      elevation: degrees; negative looks down.
      distance: metres from `lookat`.
      lookat: [3] point in the middle of the image, metres.
      fovy: vertical field of view, degrees.
    """

    azimuth: float
    elevation: float
    distance: float
    lookat: tuple[float, float, float]
    fovy: float

    def project(self, points: np.ndarray) -> np.ndarray:
        """Return image coordinates [..., 2] of points [..., 3] in metres.

        They are 0 at the centre of a square image and 1 at its right and lower edge.
        """
        forward, right, down = self._axes
        seen = points - self._eye
        extent = (seen @ forward) * self._extent
        return np.stack([seen @ right / extent, seen @ down / extent], axis=-1)

    def place(self, at: tuple[float, float], height: float) -> np.ndarray:
        """Return the [2] x and y at which the ray through an image point has a height.

        Args:
          at: image coordinates, as `project` gives them.
          height: metres above the table.
        """
        forward, right, down = self._axes
        ray = forward + self._extent * (at[0] * right + at[1] * down)
        return (self._eye + ray * (height - self._eye[2]) / ray[2])[:2]

    @property
    def _axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Unit vectors forward, right and down."""
        azimuth, elevation = np.radians((self.azimuth, self.elevation))
        forward = np.array(
            (
                np.cos(elevation) * np.cos(azimuth),
                np.cos(elevation) * np.sin(azimuth),
                np.sin(elevation),
            )
        )
        right = np.array((np.sin(azimuth), -np.cos(azimuth), 0.0))
        return forward, right, np.cross(forward, right)

    @property
    def _eye(self) -> np.ndarray:
        return np.array(self.lookat) - self.distance * self._axes[0]

    @property
    def _extent(self) -> float:
        """Half of the visible width at a distance of one metre, metres."""
        return float(np.tan(np.radians(self.fovy / 2)))


@dataclasses.dataclass(frozen=True)
class Light:
    """Point light.

    Attributes:
      position: [3] metres.
      direction: [3] unit vector in which it shines.
      diffuse: [3] RGB intensity.
    """

    position: tuple[float, float, float]
    direction: tuple[float, float, float]
    diffuse: RGB


@dataclasses.dataclass(frozen=True)
class Appearance:
    """Everything but the physics state that an image of a scene depends on.

    Attributes:
      camera: the view.
      table: [3] RGB of the table in [0, 1].
      lights: the lights, apart from the ambient one.
      ambient: [3] RGB intensity of the light that comes from everywhere.
      skin: [3] RGB of the hand, in [0, 1]; for scenes with a hand.
      sleeve: [3] RGB of the sleeve, in [0, 1]; for scenes with a hand.
    """

    camera: Camera
    table: RGB
    lights: tuple[Light, ...]
    ambient: RGB
    skin: RGB = hand.SKIN_RGB
    sleeve: RGB = hand.SLEEVE_RGB


# The workspace fills the image, also a small one.
ROBOT_CAMERA = Camera(
    azimuth=90.0, elevation=-62.0, distance=1.0, lookat=(0.0, 0.085, 0.0), fovy=40.0
)
_ROBOT_TABLE = (0.45, 0.75)
# Cool and darker than the robot's table, apart from any skin; drawn between the two.
_HUMAN_TABLE_LOW = (0.26, 0.33, 0.40)
_HUMAN_TABLE_HIGH = (0.50, 0.57, 0.62)
_SKIN_LOW = (0.58, 0.38, 0.27)
_SKIN_HIGH = (0.95, 0.76, 0.65)
_SLEEVE_LOW = 0.08
_SLEEVE_HIGH = 0.75


def draw_robot(seed: int) -> Appearance:
    """Draw the appearance of a robot's episode: one camera, varied table and light.

    Args:
      seed: of the episode.

    Returns:
      The appearance, a pure function of the seed.
    """
    rng = seeding.generator("appearance", "robot", seed)
    position = np.array((0.0, -0.2, 1.5)) + rng.uniform(-0.3, 0.3, 3)
    towards = np.array((0.0, 0.1, 0.0)) - position
    light = Light(
        _rounded(position),
        _rounded(towards / np.linalg.norm(towards)),
        _rgb(rng.uniform(0.35, 0.55) * np.ones(3)),
    )
    return Appearance(
        camera=ROBOT_CAMERA,
        table=_rgb(rng.uniform(*_ROBOT_TABLE) + rng.uniform(-0.05, 0.05, 3)),
        lights=(light,),
        ambient=_rgb(rng.uniform(0.3, 0.45) * np.ones(3)),
    )


def varied(look: Appearance, seed: int) -> Appearance:
    """Return a look with another pose of the camera and another colour of the table.

    Args:
      look: of an episode of the robot.
      seed: of the episode.
    """
    rng = seeding.generator("appearance", "varied", seed)
    camera = dataclasses.replace(
        look.camera,
        azimuth=look.camera.azimuth + float(rng.uniform(-8, 8)),
        elevation=look.camera.elevation + float(rng.uniform(-8, 8)),
        distance=look.camera.distance * float(rng.uniform(1.06, 1.16)),
        lookat=_rounded(np.add(look.camera.lookat, rng.uniform(-0.02, 0.02, 3))),
    )
    table = _rgb(rng.uniform(0.2, 0.9, 3))
    return dataclasses.replace(look, camera=camera, table=table)


def draw_human(seed: int) -> Appearance:
    """Draw the appearance of a human's episode: varied camera, table and light.

    Args:
      seed: of the episode.

    Returns:
      The appearance, a pure function of the seed.
    """
    rng = seeding.generator("appearance", "human", seed)
    camera = Camera(
        azimuth=float(rng.uniform(122, 138)),
        elevation=float(rng.uniform(-42, -33)),
        distance=float(rng.uniform(0.92, 0.99)),
        lookat=_rounded(np.add((-0.02, 0.06, 0.0), rng.uniform(-0.015, 0.015, 3))),
        fovy=float(rng.uniform(50, 52)),
    )
    # The main light from a side, warm, and a weak one from the other side.
    side = rng.choice((-1, 1))
    warmth = np.array((1.0, 0.93, 0.82)) ** rng.uniform(0, 1.5)
    main = _light(
        azimuth=-90 + side * rng.uniform(45, 110),
        elevation=rng.uniform(40, 65),
        brightness=rng.uniform(0.55, 0.85) * warmth,
    )
    fill = _light(
        azimuth=-90 - side * rng.uniform(30, 90),
        elevation=rng.uniform(35, 60),
        brightness=rng.uniform(0.1, 0.25) * np.ones(3),
    )
    share = rng.random()
    return Appearance(
        camera=camera,
        table=_rgb(
            _between(_HUMAN_TABLE_LOW, _HUMAN_TABLE_HIGH, share)
            + rng.uniform(-0.04, 0.04, 3)
        ),
        lights=(main, fill),
        ambient=_rgb(rng.uniform(0.34, 0.46) * np.ones(3)),
        skin=_rgb(_between(_SKIN_LOW, _SKIN_HIGH, rng.random())),
        sleeve=_rgb(rng.uniform(_SLEEVE_LOW, _SLEEVE_HIGH, 3)),
    )


def _light(azimuth: float, elevation: float, brightness: np.ndarray) -> Light:
    """Return a light above the table; angles in degrees, from the table's middle."""
    around, up = np.radians((azimuth, elevation))
    way = np.array(
        (np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.sin(up))
    )
    return Light(_rounded(1.6 * way), _rounded(-way), _rgb(brightness))


def _between(low: RGB, high: RGB, share: float) -> np.ndarray:
    return np.array(low) + share * np.subtract(high, low)


def _rgb(values: np.ndarray) -> RGB:
    return tuple(np.clip(values, 0.0, 1.0).tolist())


def _rounded(values: np.ndarray) -> tuple[float, float, float]:
    return tuple(np.round(values, 6).tolist())


def draw(body: str, seed: int) -> Appearance:
    """Draw the appearance of an episode of a body, see `SceneConfig.body`."""
    return (draw_human if body == Embodiment.HUMAN else draw_robot)(seed)
