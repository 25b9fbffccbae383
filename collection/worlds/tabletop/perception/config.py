"""Hyper-parameters of perception."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class PerceptionConfig:
    """Sizes of the perception network.

    Attributes:
      size: number of objects, and of buttons, in a scene.
      pixels: height and width of the images.
      channels: of the map that is searched for things.
      fovea: share of the image's side that a crop around a thing shows.
      close: width of the features of a crop.
      hidden: width of the layers that read states from features.
      watching: whether the images are videos of the simulated human, each from a camera
        of its own: without proprioception, so the hand is searched for too.
      view: width of the code of the camera's pose in a video.
    """

    size: int = 3
    pixels: int = 64
    channels: int = 32
    fovea: float = 0.25
    close: int = 64
    hidden: int = 128
    watching: bool = False
    view: int = 16
