"""Generalised advantage estimates (Schulman et al. 2015)."""

import numpy as np


def advantages(
    reward: np.ndarray, value: np.ndarray, discount: float, trace: float
) -> np.ndarray:
    """Returns [B, L] advantages; nothing comes after the last step.

    Trials follow each other within L: what the last one is worth to the next is what
    RL² is after, so that values carry over from trial to trial.

    Args:
      reward: [B, L].
      value: [B, L] estimated values.
      discount: per step.
      trace: lambda.
    """
    after = np.concatenate([value[:, 1:], np.zeros_like(value[:, :1])], axis=1)
    error = reward + discount * after - value
    result = np.zeros_like(error)
    running = np.zeros(len(error), error.dtype)
    for step in reversed(range(error.shape[1])):
        running = error[:, step] + discount * trace * running
        result[:, step] = running
    return result
