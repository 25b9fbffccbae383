"""Statistics of a feature in LeRobot's dataset format."""

from typing import NamedTuple

import numpy as np


class Stats(NamedTuple):
    """Moments of a feature: of each number, or of each channel of images in [0, 1]."""

    low: np.ndarray
    high: np.ndarray
    total: np.ndarray
    squares: np.ndarray
    count: int  # of frames
    weight: int  # of values that each total is of

    @classmethod
    def of(cls, array: np.ndarray) -> "Stats":
        """Return the moments of an array, [T, ...]."""
        channels = array.shape[-1] if array.ndim > 1 else 1
        values = array.reshape(-1, channels).astype(np.float64)
        if array.ndim == 4:
            values /= 255
        moments = values.min(0), values.max(0), values.sum(0), (values**2).sum(0)
        return cls(*moments, len(array), len(values))

    def merged(self, other: "Stats") -> "Stats":
        """Return the moments of both."""
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        return Stats(low, high, *(a + b for a, b in zip(self[2:], other[2:])))

    def values(self) -> dict[str, list]:
        """Return the statistics under the names of the format."""
        mean = self.total / self.weight
        spread = np.sqrt(np.maximum(self.squares / self.weight - mean**2, 0))
        named = {"min": self.low, "max": self.high, "mean": mean, "std": spread}
        if self.weight != self.count:  # LeRobot's images have their channel first
            named = {key: value[:, None, None] for key, value in named.items()}
        return {k: v.tolist() for k, v in named.items()} | {"count": [self.count]}
