"""Interface of rendering stored episodes, a capability of a world."""

import dataclasses
from typing import Protocol

import numpy as np

from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError

ROBOT, WRIST, ORBIT = "robot", "wrist", "orbit"
DISTANCES = (0.25, 2.5)  # metres


@dataclasses.dataclass(frozen=True)
class Viewpoint:
    """A camera.

    Attributes:
      camera: `ROBOT` for the camera of the stored images, `WRIST` for that on the
        robot's wrist, `ORBIT` for a free one around the middle of the scene, in the
        light of films.
      azimuth: degrees, of `ORBIT`; 90 looks along positive y.
      elevation: degrees, likewise; negative looks down.
      distance: metres from the middle of the scene, likewise.
    """

    camera: str = ROBOT
    azimuth: float = 116.0
    elevation: float = -30.0
    distance: float = 1.9

    def __post_init__(self):
        near, far = DISTANCES
        if self.camera not in (ROBOT, WRIST, ORBIT):
            raise UserError(f"there is no camera {self.camera!r}")
        if not (
            abs(self.azimuth) <= 360
            and -90 <= self.elevation <= 10
            and near <= self.distance <= far
        ):
            raise UserError(
                "a camera has an azimuth within 360 degrees, an elevation from -90 to "
                f"10 degrees and a distance from {near} to {far} m"
            )


class RestorationError(UserError):
    """The stored physics states do not fit the world."""


class SceneRenderer(Protocol):
    """Restores scenes from stored episodes and renders them."""

    def cameras(self, spec: EpisodeSpec) -> tuple[str, ...]:
        """Return the cameras for episodes of a spec; none for another world's."""

    def render(
        self,
        spec: EpisodeSpec,
        state: np.ndarray,
        physics_states: np.ndarray,
        frames: range,
        scene_seed: int,
        viewpoint: Viewpoint,
        pixels: int,
    ) -> np.ndarray:
        """Return the uint8[N, pixels, pixels, 3] images of an episode.

        It needs OpenGL: call it in a process without TensorFlow.

        Args:
          spec: of the episode.
          state: [S] the first state, which shows the objects.
          physics_states: [T, P] physics states from the first one on.
          frames: indices of the N physics states to render.
          scene_seed: of the episode, on which its light depends.
          viewpoint: the camera.
          pixels: height and width of the images.

        Raises:
          RestorationError: if the episode is not of this world.
          UserError: if there is no such camera.
        """

    def project(
        self, points: np.ndarray, scene_seed: int, is_human: bool
    ) -> np.ndarray:
        """Return where the stored images show points.

        Args:
          points: [..., 3] in metres.
          scene_seed: of the episode.
          is_human: whether the simulated human acts.

        Returns:
          [..., 2] image coordinates in [-1, 1].
        """
