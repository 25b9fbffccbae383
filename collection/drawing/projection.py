"""From the table to the picture: seen from above and a little from the front."""

import numpy as np

WIDTH, HEIGHT = 220, 298  # pixels
SCALE = WIDTH / 0.7  # pixels per metre
TILT = 0.45  # metres up the picture per metre of height

_LEFT, FAR = -0.35, 0.6  # metres, of the upper left corner


def project(position: np.ndarray) -> np.ndarray:
    """[..., 3] metres to [..., 2] pixels."""
    x, y, z = np.moveaxis(np.asarray(position, np.float64), -1, 0)
    return np.stack([(x - _LEFT), FAR - y - TILT * z], axis=-1) * SCALE


def on_table(position: np.ndarray) -> np.ndarray:
    """The same [..., 3] positions at height zero."""
    return np.concatenate([position[..., :2], np.zeros_like(position[..., :1])], -1)


def colour(rgb: np.ndarray, light: float = 1.0) -> str:
    """RGB of [0, 1] as hexadecimal, darkened by `light`."""
    values = np.clip(np.round(np.asarray(rgb) * light * 255), 0, 255).astype(int)
    return "#" + "".join(f"{value:02x}" for value in values)
