"""Sheets: images with many frames of an episode, so that browsers play in step."""

import io

import numpy as np
from PIL import Image

COLUMNS = 8
FRAMES = 64  # in one sheet
_SAVED = {
    "png": {"format": "PNG", "compress_level": 3},  # lossless
    "jpeg": {"format": "JPEG", "quality": 85},
}


def encode(frames: np.ndarray, kind: str) -> bytes:
    """Lay uint8[T, H, W, 3] frames out in rows of `COLUMNS`.

    Args:
      frames: `FRAMES` of them at most.
      kind: `png` or `jpeg`.
    """
    count, height, width = frames.shape[:3]
    columns = min(count, COLUMNS)
    rest = np.zeros((-count % columns, *frames.shape[1:]), np.uint8)
    rows = np.concatenate([frames, rest]).reshape(-1, columns, height, width, 3)
    buffer = io.BytesIO()
    Image.fromarray(
        np.ascontiguousarray(rows.swapaxes(1, 2).reshape(-1, columns * width, 3))
    ).save(buffer, **_SAVED[kind])
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
