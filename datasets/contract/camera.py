"""Cameras that an environment observes with."""

import dataclasses

from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.limits import Natural
from wtl.datasets.format import images


@dataclasses.dataclass(frozen=True)
class CameraConfig:
    """Cameras of the episodes of a run; false where there is none.

    Attributes:
      pixels: height and width of the images; 0 to observe the state alone.
      encoding: how images are stored, a key of `images.ENCODINGS`.
      wrist: whether the wrist camera is recorded too.
      varied: whether the robot's camera and the colour of its table differ between
        scenes.

    Raises:
      UserError: if the values do not fit together.
    """

    pixels: Natural = 0
    encoding: str = images.PNG
    wrist: bool = False
    varied: bool = False

    def __post_init__(self):
        if self.encoding not in images.ENCODINGS:
            raise UserError(
                f"camera.encoding is {self.encoding!r}; known are "
                f"{', '.join(images.ENCODINGS)}"
            )
        if self.wrist and not self.pixels:
            raise UserError("camera.wrist needs a size: set camera.pixels")
        if self.varied and not self.pixels:
            raise UserError("camera.varied needs a size: set camera.pixels")

    def __bool__(self) -> bool:
        return self.pixels > 0


NO_CAMERA = CameraConfig()
