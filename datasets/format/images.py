"""Images of steps as bytes: lossless PNG, or JPEG at a tenth of the size."""

import io

import numpy as np
from PIL import Image

PNG, JPEG = "png", "jpeg"
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


def decode(data: bytes | memoryview, shape: tuple[int, ...]) -> np.ndarray:
    """Return the uint8[H, W, 3] image of bytes.

    Raises:
      ImageError: if they are not an RGB image of this shape.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
            # Checked before decoding: damaged bytes may claim any size.
            found = (image.height, image.width, len(image.getbands()))
            if found != tuple(shape):
                raise ImageError(f"an image is {list(found)}, not {list(shape)}")
            return np.asarray(image)
    except ImageError:
        raise
    except Exception as error:  # Pillow raises whatever its parsers meet
        raise ImageError(f"an image cannot be decoded ({error})") from None
