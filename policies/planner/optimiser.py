"""Optimisers of action sequences by sampling: CEM and MPPI."""

from collections.abc import Callable

import tensorflow as tf

from wtl.policies.planner.config import CEM, PlannerConfig

# Actions [B, N, H, A] as fractions in [-1, 1] -> returns [B, N].
Score = Callable[[tf.Tensor], tf.Tensor]

_SEED = 20190502
_NEVER = -1e9  # return of a candidate for which the model diverges
_LEAST_STD = 0.05  # of candidates, as a share of half the range of an action


def draw_noise(config: PlannerConfig, size: int, step: tf.Tensor | int) -> tf.Tensor:
    """Return standard normal noise [I, N, H, A] of a step, the same for all planners.

    Args:
      config: settings.
      size: A, numbers in an action.
      step: number of the step in its episode.
    """
    shape = config.iterations, config.candidates, config.horizon, size
    return tf.random.stateless_normal(shape, tf.stack([_SEED, tf.cast(step, tf.int32)]))


def optimise(
    score: Score, plan: tf.Tensor, noise: tf.Tensor, config: PlannerConfig
) -> tf.Tensor:
    """Return better plans [B, H, A].

    CEM fits mean and deviation of the next candidates to the elites (Rubinstein and
    Kroese 2004). MPPI takes the mean weighted by exponentiated returns (Williams et
    al. 2017, equation 26), here relative to their deviation, so that the unit of
    rewards does not matter.

    Args:
      score: returns of candidates; those that are not finite are passed over.
      plan: [B, H, A] plans to start from, themselves candidates.
      noise: [I, N, H, A] standard normal noise of I iterations, shared by B plans.
      config: settings.

    Returns:
      The plans; NaN where the model diverges for every candidate.
    """
    std = tf.fill(tf.shape(plan), config.noise)
    for each in tf.unstack(noise, axis=0):
        candidates = plan[:, None] + std[:, None] * each
        candidates = tf.concat([plan[:, None], candidates[:, 1:]], axis=1)
        candidates = tf.clip_by_value(candidates, -1.0, 1.0)
        returns = score(candidates)
        finite = tf.math.is_finite(returns)
        returns = tf.where(finite, returns, _NEVER)
        if config.optimiser == CEM:
            best = tf.math.top_k(returns, config.elite_count).indices
            elites = tf.gather(candidates, best, batch_dims=1)
            # There may be fewer candidates for which the model does not diverge.
            counts = tf.gather(finite, best, batch_dims=1)[..., None, None]
            counts = tf.cast(counts, elites.dtype)
            number = tf.maximum(tf.reduce_sum(counts, axis=1), 1)
            plan = tf.reduce_sum(counts * elites, axis=1) / number
            squares = counts * (elites - plan[:, None]) ** 2
            std = tf.sqrt(tf.reduce_sum(squares, axis=1) / number)
            std = tf.maximum(std, _LEAST_STD)
        else:
            plan = _weighted(candidates, returns, finite, config.temperature)
        diverged = ~tf.reduce_any(finite, axis=1)
        plan = tf.where(diverged[:, None, None], float("nan"), plan)
    return plan


def _weighted(candidates, returns, finite, temperature: float) -> tf.Tensor:
    count = tf.cast(finite, returns.dtype)
    number = tf.maximum(tf.reduce_sum(count, axis=1, keepdims=True), 1)
    mean = tf.reduce_sum(count * returns, axis=1, keepdims=True) / number
    squares = count * (returns - mean) ** 2
    std = tf.sqrt(tf.reduce_sum(squares, axis=1, keepdims=True) / number)
    weights = tf.nn.softmax((returns - mean) / (temperature * std + 1e-6))
    return tf.einsum("bn,bnha->bha", weights, candidates)
