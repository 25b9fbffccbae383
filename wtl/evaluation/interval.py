"""Rates with their 95% intervals: Wilson's, and the bootstrap over tasks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from wtl.evaluation.rollout_row import RolloutRow

Rate = dict[str, Any]

_SEED = 20180601
_RESAMPLES = 5_000
_PERCENTILES = (2.5, 97.5)


def rate(successes: Sequence[bool]) -> Rate:
    """Success with Wilson's interval; null where there is nothing to count."""
    n, k = len(successes), int(sum(successes))
    if n == 0:
        return {"success": None, "ci95": None, "n": 0}
    return {"success": k / n, "ci95": _wilson(k, n), "n": n}


def rate_by_task(rows: Sequence[RolloutRow]) -> Rate:
    """Success with the interval of a bootstrap over tasks.

    Scenes of one task succeed and fail together, so rollouts are not independent;
    whole tasks are resampled.
    """
    n = len(rows)
    if n == 0:
        return {"success": None, "ci95": None, "n": 0}
    sums, counts = _by_task(rows, [float(row.success) for row in rows])
    if sums.sum() in (0, n):
        # Every resample is the same; of so many tasks, Wilson's interval says more.
        interval = _wilson(len(sums) * int(sums.sum() > 0), len(sums))
    else:
        interval = _bootstrap(sums, counts)
    return {"success": float(sums.sum() / n), "ci95": interval, "n": n}


def mean_by_task(rows: Sequence[RolloutRow], values: Sequence[float]) -> dict[str, Any]:
    """Mean of a value of each row, with the interval of a bootstrap over tasks."""
    sums, counts = _by_task(rows, values)
    return {
        "mean": float(sums.sum() / counts.sum()),
        "ci95": _bootstrap(sums, counts),
        "n": len(rows),
    }


def paired(
    first: Sequence[RolloutRow], second: Sequence[RolloutRow]
) -> dict[str, Any] | None:
    """Difference in success of two methods on the scenes that both have played.

    Args:
      first: rollouts of the method from which is subtracted.
      second: rollouts of the other.

    Returns:
      `difference`, `ci95` of a bootstrap over tasks, `p` of a sign-flip test over
      tasks (two-sided), `n` scenes and `tasks`; None without a common scene.
    """
    others = {row.key: row for row in second}
    common = [row for row in first if row.key in others]
    if not common:
        return None
    differences = [float(row.success) - others[row.key].success for row in common]
    sums, counts = _by_task(common, differences)
    return {
        "difference": float(sums.sum() / len(common)),
        "ci95": _bootstrap(sums, counts),
        "p": _sign_flip(sums),
        "n": len(common),
        "tasks": len(sums),
    }


def _wilson(k: int, n: int) -> list[float]:
    found = stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
    return [float(found.low), float(found.high)]


def _by_task(
    rows: Sequence[RolloutRow], values: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Sum and number of the values of each task, in order of the tasks' names."""
    _, index = np.unique([row.task_id for row in rows], return_inverse=True)
    return np.bincount(index, values), np.bincount(index)


def _bootstrap(sums: np.ndarray, counts: np.ndarray) -> list[float]:
    """Percentile interval of sum / count when tasks are drawn with replacement."""
    tasks = len(sums)
    rng = np.random.default_rng(_SEED)
    drawn = rng.multinomial(tasks, np.full(tasks, 1 / tasks), _RESAMPLES)
    means = (drawn @ sums) / (drawn @ counts)
    return [float(bound) for bound in np.percentile(means, _PERCENTILES)]


def _sign_flip(sums: np.ndarray) -> float:
    """Share of sign flips of the tasks that differ at least as much as was seen."""
    rng = np.random.default_rng(_SEED)
    signs = rng.choice((-1.0, 1.0), (_RESAMPLES, len(sums)))
    extreme = np.abs(signs @ sums) >= abs(sums.sum()) - 1e-9
    return float((1 + extreme.sum()) / (1 + _RESAMPLES))
