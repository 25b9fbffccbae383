"""Images scaled down as they are read, so that many fit into memory."""

import numpy as np
from PIL import Image


def size_of(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """Return height and width of images [H, W, 3] scaled to at most `side`."""
    height, width = shape[:2]
    factor = min(1.0, side / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def scaled(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return uint8[T, H, W, 3] images scaled to a height and width by averaging."""
    if images.shape[1:3] == tuple(size):
        return images
    height, width = size
    return np.stack(
        [
            np.asarray(Image.fromarray(i).resize((width, height), Image.Resampling.BOX))
            for i in images
        ]
    )
