"""Hyper-parameters of perception."""

import dataclasses

from wtl.collection.worlds.entities.embodiment import Embodiment


@dataclasses.dataclass(frozen=True)
class PerceptionConfig:
    """Sizes of the perception network.

    Attributes:
      size: number of objects, and of buttons, in a scene.
      pixels: height and width of the images.
      channels: of the map that is searched for things.
      fovea: share of the image's side that is looked at closely around a thing.
      close: width of what is seen there.
      hidden: width of the layers that tell what was seen.
      watching: whether it is somebody else's videos that are seen, from a camera that
        is elsewhere in each: no proprioception, so the hand is looked for too.
      view: width of what is remembered of where the camera of a video is.
    """

    size: int = 3
    pixels: int = 64
    channels: int = 32
    fovea: float = 0.25
    close: int = 64
    hidden: int = 128
    watching: bool = False
    view: int = 16


def of_embodiment(embodiment: Embodiment, size: int, pixels: int) -> PerceptionConfig:
    """How a body is seen: one's own, or somebody else's in a video."""
    return PerceptionConfig(size, pixels, watching=embodiment is not Embodiment.ROBOT)
