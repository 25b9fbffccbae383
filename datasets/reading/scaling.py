"""Images scaled down as they are read, so that many fit into memory."""

import numpy as np
from PIL import Image


def size_of(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """Return height and width of images [H, W, 3] scaled to at most `side`."""
    height, width = shape[:2]
    factor = min(1.0, side / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def scaled(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return uint8[..., H, W, 3] images scaled to a height and width by averaging."""
    *lead, height, width, _ = images.shape
    if (height, width) == tuple(size):
        return images
    flat = images.reshape(-1, height, width, 3)
    result = np.empty((len(flat), *size, 3), np.uint8)
    for row, image in zip(result, flat, strict=True):
        row[:] = Image.fromarray(image).resize(size[::-1], Image.Resampling.BOX)
    return result.reshape(*lead, *size, 3)
