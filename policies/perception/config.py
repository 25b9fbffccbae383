"""Hyper-parameters of perception."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Config:
    """Sizes of the perception network.

    Attributes:
      size: number of objects, and of buttons, in a scene.
      pixels: height and width of the images.
      channels: of the map that is searched for things.
      fovea: share of the image's side that is looked at closely around a thing.
      close: width of what is seen there.
      hidden: width of the layers that tell what was seen.
    """

    size: int = 3
    pixels: int = 64
    channels: int = 32
    fovea: float = 0.25
    close: int = 64
    hidden: int = 128
