"""Advantages over a baseline that is linear in features of observation and time.

The baseline is that of Duan et al. 2016 ("Benchmarking Deep Reinforcement Learning for
Continuous Control"), as in the public code of MAML for RL and of ProMP.
"""

import numpy as np

from wtl.policies.rl2.advantage import advantages

_RIDGE = 1e-3  # on the mean over steps of squared features


def values(observation: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Fit returns to observation and time in each task; return the fit [B, K, T].

    Args:
      observation: [B, K, T, S] of the steps of K trials of each of B tasks.
      outcome: [B, K, T] their discounted sums of later rewards.
    """
    batch, trials, horizon, _ = observation.shape
    clipped = np.clip(observation.astype(np.float64), -10, 10)
    time = np.arange(1, horizon + 1) / horizon
    time = np.stack([time**0, time, time**2, time**3], axis=-1)
    time = np.broadcast_to(time, (batch, trials, *time.shape))
    features = np.concatenate([clipped, clipped**2, time], axis=-1)
    features = features.reshape(batch, trials * horizon, -1)
    transposed = features.swapaxes(1, 2)
    gram = transposed @ features + _RIDGE * trials * horizon * np.eye(features.shape[2])
    moment = transposed @ outcome.reshape(batch, -1, 1)
    return (features @ np.linalg.solve(gram, moment)).reshape(outcome.shape)


def normalised_advantages(
    observation: np.ndarray, reward: np.ndarray, discount: float, trace: float
) -> np.ndarray:
    """Return advantages [B, K, T] of mean 0 and variance 1 within each task.

    Args:
      observation: [B, K, T, S] of the steps of K trials of each of B tasks.
      reward: [B, K, T].
      discount: of rewards, per step, within a trial.
      trace: lambda of the generalised advantage estimates.
    """
    by_trial = reward.reshape(-1, reward.shape[-1]).astype(np.float64)
    outcome = advantages(by_trial, np.zeros_like(by_trial), discount, 1.0)
    value = values(observation, outcome.reshape(reward.shape)).reshape(by_trial.shape)
    gained = advantages(by_trial, value, discount, trace).reshape(reward.shape)
    gained -= gained.mean(axis=(1, 2), keepdims=True)
    # A task without any reward yet has no advantages, rather than rounding errors.
    return gained / (gained.std(axis=(1, 2), keepdims=True) + 1e-6)
