"""Rates with 95% intervals: Wilson's, and the bootstrap over tasks and runs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from wtl.evaluation import resampling
from wtl.evaluation.rollout_row import RolloutRow
from wtl.evaluation.task_table import TaskTable

Rate = dict[str, Any]


def rate(successes: Sequence[bool]) -> Rate:
    """Return success with Wilson's interval; null without rollouts."""
    n, k = len(successes), int(sum(successes))
    if n == 0:
        return {"success": None, "ci95": None, "n": 0}
    return {"success": k / n, "ci95": _wilson(k, n), "n": n}


def rate_by_task(rows: Sequence[RolloutRow]) -> Rate:
    """Return success with the interval of a bootstrap over tasks and runs.

    Rollouts of several training runs also give `per_run`, the success of each run.
    """
    n = len(rows)
    if n == 0:
        return {"success": None, "ci95": None, "n": 0}
    table = TaskTable.of(rows)
    won = table.won.sum()
    if won in (0, n):
        # All resamples are equal; Wilson's interval over tasks is not degenerate.
        tasks = len(table.tasks)
        interval = _wilson(tasks * int(won > 0), tasks)
    else:
        interval = resampling.interval(table.rate, table.shape)
    result = {"success": float(won / n), "ci95": interval, "n": n}
    if len(table.runs) > 1:
        each = table.won.sum(axis=1) / table.played.sum(axis=1)
        result["per_run"] = dict(zip(table.runs, each.tolist(), strict=True))
    return result


def mean_by_task(rows: Sequence[RolloutRow], values: Sequence[float]) -> dict[str, Any]:
    """Return the mean value of rows, with the interval of a bootstrap over tasks."""
    _, task = np.unique([row.task_id for row in rows], return_inverse=True)
    sums, counts = np.bincount(task, values), np.bincount(task)

    def mean(tasks):
        return sums[tasks].sum(axis=-1) / counts[tasks].sum(axis=-1)

    return {
        "mean": float(sums.sum() / counts.sum()),
        "ci95": resampling.interval(mean, [len(sums)]),
        "n": len(rows),
    }


def paired(
    first: Sequence[RolloutRow], second: Sequence[RolloutRow]
) -> dict[str, Any] | None:
    """Return the difference in success of two methods on the scenes of both.

    Runs are paired too if both methods were trained in the same runs.

    Args:
      first: rollouts of the minuend.
      second: rollouts of the subtrahend.

    Returns:
      `difference`, `ci95` of a bootstrap over tasks and runs, `p` of a sign-flip test
      over tasks (two-sided, runs fixed), `n` scenes and `tasks`; None without a
      common scene.
    """
    first, second, together = in_common(first, second)
    if not first:
        return None
    a, b = TaskTable.of(first), TaskTable.of(second)

    def difference(tasks, runs, other_runs=None):
        return a.rate(tasks, runs) - b.rate(
            tasks, runs if other_runs is None else other_runs
        )

    counts = a.shape if together else (*a.shape, len(b.runs))
    by_task = a.won.sum(axis=0) / len(a.runs) - b.won.sum(axis=0) / len(b.runs)
    return {
        "difference": float(
            a.won.sum() / a.played.sum() - b.won.sum() / b.played.sum()
        ),
        "ci95": resampling.interval(difference, counts),
        "p": resampling.sign_flip(by_task),
        "n": len(first) if together else len({row.key for row in first}),
        "tasks": len(a.tasks),
    }


def in_common(
    first: Sequence[RolloutRow], second: Sequence[RolloutRow]
) -> tuple[list[RolloutRow], list[RolloutRow], bool]:
    """Select the rollouts of two methods in the scenes that both have played.

    Returns:
      Rollouts of the first, rollouts of the second, and whether they are of the same
      runs. If no run has both methods, all runs of each are taken.
    """
    together = bool({row.run for row in first} & {row.run for row in second})

    def key(row):
        return (row.run if together else "", *row.key)

    both = {key(row) for row in first} & {key(row) for row in second}
    return (
        [row for row in first if key(row) in both],
        [row for row in second if key(row) in both],
        together,
    )


def _wilson(k: int, n: int) -> list[float]:
    found = stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
    return [float(found.low), float(found.high)]
