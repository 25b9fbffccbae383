"""Hyper-parameters of perception."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Config:
    """Sizes of the perception network.

    Attributes:
      size: number of objects, and of buttons, in a scene.
      pixels: height and width of the images.
      channels: of the feature map.
      hidden: width of the layers that read attended features.
    """

    size: int = 3
    pixels: int = 64
    channels: int = 32
    hidden: int = 128
