"""Generalised advantage estimates (Schulman et al. 2015)."""

import numpy as np


def advantages(
    reward: np.ndarray, value: np.ndarray, discount: float, trace: float
) -> np.ndarray:
    """Return advantages [B, L] of rewards and values [B, L]; the last next value is 0.

    Trials follow each other within L, and values carry over from trial to trial, so
    that exploration in one trial is credited with the rewards of the next. `trace` is
    the lambda of the estimates.
    """
    after = np.concatenate([value[:, 1:], np.zeros_like(value[:, :1])], axis=1)
    error = reward + discount * after - value
    result = np.zeros_like(error)
    running = np.zeros(len(error), error.dtype)
    for step in reversed(range(error.shape[1])):
        running = error[:, step] + discount * trace * running
        result[:, step] = running
    return result
