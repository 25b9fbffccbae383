"""How a scene looks: camera, table and light, drawn apart from what happens in it."""

import dataclasses

import numpy as np

from wtl.envs import seeding


@dataclasses.dataclass(frozen=True)
class Appearance:
    """One look of the table.

    Attributes:
      lookat: [3] point at the centre of the image, metres.
      distance: from the camera to that point, metres.
      azimuth: of the view in degrees; 90 looks along +y.
      elevation: of the view in degrees; -90 looks straight down.
      fovy: vertical field of view in degrees.
      table_rgb: [3] colour of the table.
      light: [3] position of the light, metres; it shines at the middle of the table.
      diffuse: brightness of the light.
      ambient: brightness of what it does not reach.
    """

    lookat: tuple[float, float, float]
    distance: float
    azimuth: float
    elevation: float
    fovy: float
    table_rgb: tuple[float, float, float]
    light: tuple[float, float, float]
    diffuse: float
    ambient: float

    def project(self, points: np.ndarray) -> np.ndarray:
        """Image coordinates [..., 2] of points [..., 3] in metres.

        They are 0 at the centre of a square image and 1 at its right and lower edge.
        """
        azimuth, elevation = np.radians((self.azimuth, self.elevation))
        forward = np.array(
            (
                np.cos(elevation) * np.cos(azimuth),
                np.cos(elevation) * np.sin(azimuth),
                np.sin(elevation),
            )
        )
        right = np.array((np.sin(azimuth), -np.cos(azimuth), 0.0))
        down = np.cross(forward, right)
        seen = points - (np.array(self.lookat) - self.distance * forward)
        extent = (seen @ forward) * np.tan(np.radians(self.fovy / 2))
        return np.stack([seen @ right / extent, seen @ down / extent], axis=-1)


def draw_robot(scene_seed: int) -> Appearance:
    """The robot's fixed camera; table colour and light are drawn."""
    rng = seeding.generator("robot appearance", scene_seed)
    grey = rng.uniform(0.45, 0.75)
    return Appearance(
        lookat=(0.0, 0.085, 0.0),
        distance=1.0,
        azimuth=90.0,
        elevation=-62.0,
        fovy=40.0,
        table_rgb=tuple((grey + rng.uniform(-0.05, 0.05, 3)).tolist()),
        light=tuple((np.array((0, -0.2, 1.5)) + rng.uniform(-0.3, 0.3, 3)).tolist()),
        diffuse=float(rng.uniform(0.35, 0.55)),
        ambient=float(rng.uniform(0.3, 0.45)),
    )
