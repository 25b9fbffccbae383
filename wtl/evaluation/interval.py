"""Rates with 95% intervals: Wilson's, and the bootstrap over tasks and runs."""

from collections.abc import Sequence
from typing import Any

from scipy import stats

from wtl.evaluation import resampling
from wtl.evaluation.resampling import TaskTable
from wtl.evaluation.rollout_row import RolloutRow

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
    if not rows:
        return rate([])
    table = TaskTable.of(rows)
    if table.overall in (0, 1):
        # All resamples are equal; Wilson's interval over tasks is not degenerate.
        tasks = len(table.tasks)
        interval = _wilson(tasks * int(table.overall), tasks)
    else:
        interval = resampling.interval(table.rate, table.shape)
    result = {"success": table.overall, "ci95": interval, "n": len(rows)}
    if len(table.runs) > 1:
        each = table.won.sum(axis=1) / table.played.sum(axis=1)
        result["per_run"] = dict(zip(table.runs, each.tolist(), strict=True))
    return result


def mean_by_task(rows: Sequence[RolloutRow], values: Sequence[float]) -> dict[str, Any]:
    """Return the mean value of rows, with the interval of a bootstrap over tasks."""
    table = TaskTable.of(rows, values)
    interval = resampling.interval(table.rate, table.shape)
    return {"mean": table.overall, "ci95": interval, "n": len(rows)}


def paired(
    first: Sequence[RolloutRow], second: Sequence[RolloutRow]
) -> dict[str, Any] | None:
    """Return how much more the first of two methods succeeds in the scenes of both.

    Runs are paired too if both methods were trained in the same runs.

    Returns:
      `difference`, `ci95` of a bootstrap over tasks and runs, `p` of a sign-flip test
      over tasks (two-sided, runs fixed), `n` scenes and `tasks`; None without a
      common scene.
    """
    first, second, together = in_common(first, second)
    if not first:
        return None
    a, b = TaskTable.of(first), TaskTable.of(second)

    def difference(tasks, *runs):
        return a.rate(tasks, runs[0]) - b.rate(tasks, runs[-1])

    counts = a.shape if together else (*a.shape, len(b.runs))
    by_task = a.won.sum(axis=0) / len(a.runs) - b.won.sum(axis=0) / len(b.runs)
    return {
        "difference": a.overall - b.overall,
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
