"""Form in which the images of other formats are stored: uint8[T, H, W, 3]."""

import dataclasses

import numpy as np
from PIL import Image

from wtl.datasets.contract.errors import UserError
from wtl.datasets.format import images

_LEAST_SIDE = 8  # pixels; smaller arrays are numbers unless they are (H, W, 3)
_COLOURS = (3, 4)
_ROUNDING = 1e-6  # share of the range by which values may be outside


@dataclasses.dataclass(frozen=True)
class ImageForm:
    """Conversion of arrays to images.

    Attributes:
      pixels: height and width to which images are scaled, once they are cropped to the
        largest square around their centre; 0 keeps their size.
      value_range: least and greatest value of images that are not uint8; None leaves
        them as numbers.
    """

    pixels: int = 0
    value_range: tuple[float, float] | None = None

    @classmethod
    def parse(cls, pixels: int, value_range: str | None) -> "ImageForm":
        """Read the options of the command.

        Raises:
          UserError: if one of them is none.
        """
        if pixels:
            images.require_side(pixels)
        if value_range is None:
            return cls(pixels)
        try:
            low, high = map(float, value_range.split(","))
        except ValueError:
            low = high = np.nan
        if not -np.inf < low < high < np.inf:
            raise UserError(
                f"--image_range={value_range} is not of the form LOW,HIGH, as 0,1"
            )
        return cls(pixels, (low, high))

    def apply(self, name: str, array: np.ndarray) -> tuple[np.ndarray, str] | None:
        """Return images and a remark on what was left out; None if it has no images.

        Gray images, those with an alpha channel and those whose channel is first are
        brought to RGB.

        Args:
          name: name of the array.
          array: [T, ...] values.

        Raises:
          ValueError: if a value is outside the range.
        """
        remark = ""
        if array.dtype == np.uint8:
            array = channels_last(array)
        elif self.value_range and (array := _shaded(array)) is not None:
            array = self._scaled(name, array)
            if array.shape[-1] == 1:
                remark = f"{name} has one channel, scaled from --image_range to gray"
        else:
            return None
        if array is None:
            return None
        if array.shape[-1] == 4:
            if (array[..., 3] != 255).any():
                remark = f"alpha of {name} is left out"
            array = array[..., :3]
        elif array.shape[-1] == 1:
            array = np.repeat(array, 3, axis=-1)
        if self.pixels:
            array = np.stack(
                [images.squared(Image.fromarray(i), self.pixels) for i in array]
            )
        return array, remark

    def _scaled(self, name: str, array: np.ndarray) -> np.ndarray:
        low, high = self.value_range
        slack = _ROUNDING * (high - low)
        if not (array.min() >= low - slack and array.max() <= high + slack):
            raise ValueError(
                f"{name!r} has values from {array.min():g} to {array.max():g}, outside "
                f"--image_range={low:g},{high:g}"
            )
        unit = (array.astype(np.float64) - low) / (high - low)
        return np.rint(255 * unit.clip(0, 1)).astype(np.uint8)


def resembles_images(shape: tuple[int, ...]) -> bool:
    """Return whether numbers of this shape at each step could be colour images."""
    return _coloured(np.empty((0, *shape), np.float32)) is not None


def channels_last(array: np.ndarray) -> np.ndarray | None:
    """Return [T, H, W, 1, 3 or 4] images, also gray ones; None of other shapes."""
    if array.ndim == 3 and min(array.shape[1:]) >= _LEAST_SIDE:
        return array[..., None]
    if array.ndim != 4 or not min(array.shape[1:]):
        return None
    if array.shape[-1] == 3:
        return array
    for moved in (array, np.moveaxis(array, 1, -1)):
        is_large = min(moved.shape[1:3]) >= _LEAST_SIDE
        if moved.shape[-1] in (1, *_COLOURS) and is_large:
            return moved
    return None


def _shaded(array: np.ndarray) -> np.ndarray | None:
    """Return images of one, three or four channels, but no matrices."""
    found = channels_last(array) if array.ndim == 4 else None
    is_gray = found is not None and found.shape[-1] == 1
    return found if is_gray and array.dtype.kind in "fiub" else _coloured(array)


def _coloured(array: np.ndarray) -> np.ndarray | None:
    """Return images of three or four channels; one channel may well be a depth."""
    found = channels_last(array) if array.dtype.kind in "fiub" else None
    is_coloured = found is not None and found.shape[-1] in _COLOURS
    return found if is_coloured and min(found.shape[1:3]) >= _LEAST_SIDE else None
