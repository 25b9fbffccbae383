"""Tests by resampling."""

import itertools

import numpy as np

SEED = 20180601
RESAMPLES = 5_000
_ROUNDING = 1e-9  # of sums, which may differ by their order


def sign_flip(differences: np.ndarray) -> float:
    """Return the two-sided p of [T] differences of tasks under random signs.

    It is exact where all signs are few. `scipy.stats.permutation_test` takes several
    times as long, which was most of a comparison of many methods.
    """
    differences = differences[differences != 0]  # others have no sign
    count = len(differences)
    if 2**count <= RESAMPLES:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=count)))
        return float(_extreme(signs, differences).mean())
    signs = np.random.default_rng(SEED).choice((-1.0, 1.0), (RESAMPLES, count))
    # The observed signs are one more sample (Phipson and Smyth 2010).
    return (1 + int(_extreme(signs, differences).sum())) / (1 + RESAMPLES)


def _extreme(signs: np.ndarray, differences: np.ndarray) -> np.ndarray:
    """Return which of [N, T] signs give a sum as far from 0 as the observed one."""
    return np.abs(signs @ differences) >= abs(differences.sum()) - _ROUNDING
