"""Observation: name, shape and type of one array that is observed at each timestep."""

import dataclasses
import math
import re

from wtl.datasets.contract import fields

FLOAT, IMAGE = "float32", "uint8"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]*(/[A-Za-z0-9_][A-Za-z0-9_. -]*)*")
_MOST_BYTES = 100  # of a name, so that its key in a record needs one byte of length


@dataclasses.dataclass(frozen=True)
class Observation:
    """An array that is observed at each timestep.

    Attributes:
      name: its name; a path such as `arm/joints` where observations are nested.
      shape: shape without the time axis: of vectors (S,), of sets (N, F), of images
        (H, W, 3).
      dtype: `uint8` of images, `float32` of all else.
      is_set: whether it is a set (N, F): N things of one kind, in any order; or an
        image that is taken for one, of the things that it shows. Specs that differ in
        this alone are equal, as the stored numbers are the same.

    Raises:
      ValueError: if the name or the shape cannot be stored.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = FLOAT
    is_set: bool = dataclasses.field(default=False, compare=False)

    def __post_init__(self):
        if not _NAME.fullmatch(self.name) or len(self.name) > _MOST_BYTES:
            raise ValueError(
                f"observation {self.name!r}: a name has letters, digits and _ . - /, "
                f"at most {_MOST_BYTES}"
            )
        if self.name in fields.STEP_FIELDS:
            raise ValueError(f"an observation cannot be called {self.name!r}")
        if self.dtype not in (FLOAT, IMAGE):
            raise ValueError(
                f"observation {self.name!r} is {self.dtype}: only float32 and images "
                "of uint8 are stored"
            )
        if min(self.shape, default=1) < 1:
            raise ValueError(f"observation {self.name!r} has shape {self.shape}")
        if self.is_image and (len(self.shape) != 3 or self.shape[-1] != 3):
            raise ValueError(
                f"observation {self.name!r} has shape {self.shape}; an image is "
                "(H, W, 3)"
            )
        if self.is_set and not self.is_image and len(self.shape) != 2:
            raise ValueError(
                f"observation {self.name!r} is {self}; a set is an image, or has the "
                "shape (N, F): N things of one kind, with F numbers each"
            )

    @property
    def is_image(self) -> bool:
        """Whether it is an RGB image."""
        return self.dtype == IMAGE

    @property
    def size(self) -> int:
        """Number of its numbers at one timestep."""
        return math.prod(self.shape)

    def __str__(self) -> str:
        if self.is_image:
            return f"images of {self.shape[0]} × {self.shape[1]} pixels"
        return f"{' × '.join(map(str, self.shape)) or 'one'} numbers"


def observed(
    state: int = 0, pixels: int = 0, wrist: bool = False
) -> tuple[Observation, ...]:
    """Return the observations of a state and of square images.

    Args:
      state: numbers in the vector `state`; 0 for none.
      pixels: height and width of `image`; 0 for none.
      wrist: whether there is a `wrist_image` of the same size.
    """
    names = (fields.IMAGE, fields.WRIST_IMAGE)[: bool(pixels) + wrist]
    found = [Observation(name, (pixels, pixels, 3), IMAGE) for name in names]
    if state:
        found.append(Observation(fields.STATE, (state,)))
    return tuple(found)
