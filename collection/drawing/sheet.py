"""Sheets: images with many frames of an episode, so that browsers play in step."""

import io

import numpy as np
from PIL import Image

COLUMNS = 8  # browsers refuse images that are very high or wide
FRAMES = 64  # in one sheet that is sent
_SAVED = {
    "png": {"compress_level": 3},  # lossless
    "jpeg": {"quality": 85},
    "webp": {"lossless": True},
}


def encode(frames: np.ndarray, kind: str) -> bytes:
    """Lay uint8[T, H, W, C] frames out in rows of `COLUMNS`.

    Args:
      frames: three channels, or four with `png` and `webp`.
      kind: `png`, `jpeg` or `webp`.
    """
    count, height, width, channels = frames.shape
    columns = min(count, COLUMNS)
    rest = np.zeros((-count % columns, *frames.shape[1:]), np.uint8)
    rows = np.concatenate([frames, rest]).reshape(-1, columns, *frames.shape[1:])
    sheet = rows.swapaxes(1, 2).reshape(-1, columns * width, channels)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(sheet)).save(buffer, kind, **_SAVED[kind])
    return buffer.getvalue()


def decode(encoded: bytes, count: int, pixels: int) -> np.ndarray:
    """Return the uint8[count, H, W, 3] square frames of a sheet.

    Args:
      encoded: the output of `encode`.
      count: of frames.
      pixels: height and width of each.
    """
    rows = np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
    rows = rows.reshape(-1, pixels, min(count, COLUMNS), pixels, 3).swapaxes(1, 2)
    return rows.reshape(-1, pixels, pixels, 3)[:count]
