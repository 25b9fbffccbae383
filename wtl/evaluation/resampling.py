"""Intervals and tests by resampling tasks and training runs, on scipy's.

Scenes of one task succeed and fail together, and so do the tasks of one training run.
So whole tasks and whole runs are drawn independently (Owen 2007, "The pigeonhole
bootstrap").
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

SEED = 20180601
RESAMPLES = 5_000
_BATCH = 500  # resamples in memory at a time


def interval(
    statistic: Callable[..., np.ndarray], counts: Sequence[int]
) -> list[float]:
    """Return the percentile interval, 95%, of a statistic of tasks and runs.

    Args:
      statistic: maps drawn indices, [..., T] of tasks and [..., R] of each set of runs,
        to values [...].
      counts: T, and R of each set of runs. Counts of one are not resampled.
    """
    samples = [np.arange(count) for count in counts]
    drawn = [place for place, count in enumerate(counts) if count > 1]
    if not drawn:
        return [float(statistic(*samples))] * 2

    def value(*chosen, axis):
        del axis  # always the last
        every = [np.broadcast_to(s, (*chosen[0].shape[:-1], len(s))) for s in samples]
        for place, sample in zip(drawn, chosen, strict=True):
            every[place] = sample
        return statistic(*every)

    found = stats.bootstrap(
        [samples[place] for place in drawn],
        value,
        n_resamples=RESAMPLES,
        batch=_BATCH,
        vectorized=True,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return [float(found.low), float(found.high)]


def sign_flip(differences: np.ndarray) -> float:
    """Return the two-sided p of [T] differences of tasks under random signs."""
    if len(differences) < 2:
        return 1.0  # either sign is as extreme
    return float(
        stats.permutation_test(
            (differences,),
            lambda values, axis: values.sum(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=RESAMPLES,
            batch=_BATCH,
            rng=np.random.default_rng(SEED),
        ).pvalue
    )
