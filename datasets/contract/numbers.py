"""Checked conversion of numbers to the types that are stored."""

from typing import Any

import numpy as np

# A vector loses its changes if rounding takes more than this share of its range.
_SHARE, _ABSOLUTE = 0.01, 1e-3
_MAX_RATIO = 1.5  # of the period of the control rate and that of timestamps


def float32(name: str, array: Any) -> np.ndarray:
    """Return real numbers [T, ...] as float32.

    Raises:
      ValueError: if they are no real numbers, or float32 cannot hold what tells them
        apart: large integers, values beyond its range, small changes far from zero.
    """
    array = np.asarray(array)
    if array.dtype == np.float32:
        return array
    require_real(name, array)
    with np.errstate(over="ignore", invalid="ignore"):
        result = array.astype(np.float32)
        if array.dtype.kind == "f":
            lost = np.isfinite(array) & ~np.isfinite(result)
            error = np.abs(array - result)
            if error.size and error.max() > _ABSOLUTE and not lost.any():
                spread = np.ptp(array, axis=0)
                lost = (error > np.maximum(_ABSOLUTE, _SHARE * spread)) & (spread > 0)
        else:
            lost = result.astype(array.dtype) != array
    if lost.any():
        raise ValueError(
            f"{name!r} has {array[lost][0]}, which float32 cannot tell from its "
            "neighbours: leave it out, or subtract an offset"
        )
    return result


def contradicts(period: float, control_hz: float) -> bool:
    """Return whether seconds between steps are far from those of a control rate."""
    return not 1 / _MAX_RATIO < period * control_hz < _MAX_RATIO


def require_real(name: str, array: np.ndarray) -> None:
    """Raise ValueError unless an array is of real numbers."""
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name!r} is {array.dtype}; only real numbers are stored")


def seconds(timestamp: Any) -> np.ndarray:
    """Return [T] times as seconds since the first, float64.

    The first is subtracted before rounding, so the time of day may be given.

    Raises:
      ValueError: if they are no numbers that ascend.
    """
    times = np.asarray(timestamp)
    if times.dtype.kind not in "fiu" or times.ndim != 1:
        raise ValueError(
            f"timestamps are {times.dtype}{list(times.shape)}, not a vector of numbers"
        )
    times = times.astype(np.float64 if times.dtype.kind == "f" else np.int64)
    times = (times - times[:1]).astype(np.float64)
    ascends = np.diff(times) > 0
    if not ascends.all():
        raise ValueError(f"timestamps do not ascend at step {ascends.argmin() + 1}")
    return times
