"""Tests by resampling, on scipy's."""

import numpy as np
import scipy  # its parts are imported on first use

SEED = 20180601
RESAMPLES = 5_000
_BATCH = 500  # resamples in memory at a time


def sign_flip(differences: np.ndarray) -> float:
    """Return the two-sided p of [T] differences of tasks under random signs."""
    if len(differences) < 2:
        return 1.0  # either sign is as extreme
    return float(
        scipy.stats.permutation_test(
            (differences,),
            lambda values, axis: values.sum(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=RESAMPLES,
            batch=_BATCH,
            rng=np.random.default_rng(SEED),
        ).pvalue
    )
