"""Images of steps as bytes: lossless PNG, or JPEG at a tenth of the size."""

import io

import numpy as np
from PIL import Image, UnidentifiedImageError

from wtl.datasets.contract.errors import UserError

PNG, JPEG = "png", "jpeg"
MAX_SIDE = 4096  # pixels
_SIDES = range(8, 513)  # pixels of squares that are made of larger images
ENCODINGS = {
    # Light compression: three times as fast for a few per cent of size.
    PNG: {"format": "PNG", "compress_level": 3},
    JPEG: {"format": "JPEG", "quality": 90},
}


class ImageError(ValueError):
    """Bytes that are not an image of the expected size."""


def encode(image: np.ndarray, encoding: str) -> bytes:
    """Return the bytes of a uint8[H, W, 3] image."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, **ENCODINGS[encoding])
    return buffer.getvalue()


def require_side(pixels: int) -> None:
    """Raise UserError unless squares of this many pixels a side can be made."""
    if pixels not in _SIDES:
        raise UserError(f"pixels {pixels} is not from {_SIDES[0]} to {_SIDES[-1]}")


def squared(image: Image.Image, pixels: int) -> np.ndarray:
    """Return the largest square around the centre, uint8[pixels, pixels, 3]."""
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    size = (pixels, pixels)
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS, box=box))


def require_small(data: bytes | memoryview) -> None:
    """Check the size of an image by its first bytes, before it is decoded.

    Raises:
      ImageError: if it is no PNG or JPEG, or has too many pixels.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
            size = image.size
    except Exception as error:  # Pillow raises whatever its parsers meet
        raise _undecodable(error) from None
    if max(size) > MAX_SIDE:
        raise ImageError(
            f"an image has {size[0]} × {size[1]} pixels; at most {MAX_SIDE} a side "
            "are read"
        )


def decode(data: bytes | memoryview, shape: tuple[int, ...]) -> np.ndarray:
    """Return the uint8 image of bytes; gray ones are [H, W].

    Args:
      data: bytes of a PNG or JPEG file.
      shape: expected shape, (H, W, 3); or 1 or 4 channels, gray and RGBA.

    Raises:
      ImageError: if they are not an image of this shape.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
            # Checked before decoding: damaged bytes may claim any size.
            found = (image.height, image.width, len(image.getbands()))
            if found != tuple(shape):
                raise ImageError(f"an image is {list(found)}, not {list(shape)}")
            if image.mode not in ("L", "RGB", "RGBA"):
                raise ImageError(f"an image is of mode {image.mode}, not of 8 bits")
            return np.asarray(image)
    except ImageError:
        raise
    except Exception as error:  # Pillow raises whatever its parsers meet
        raise _undecodable(error) from None


def _undecodable(error: Exception) -> ImageError:
    unknown = isinstance(error, UnidentifiedImageError)  # it names a buffer's address
    reason = "it is no PNG or JPEG" if unknown else error
    return ImageError(f"an image cannot be decoded ({reason})")
