"""95% intervals over tasks and training runs: of rates, means and paired differences.

Scenes of one task succeed and fail together, and so do the tasks of one training run.
So tasks and runs are crossed random effects: variances are those of a two-way analysis
of variance, with Satterthwaite's degrees of freedom for Student's t. A rate has the
score interval (Wilson's) of its effective number of rollouts, at 0 and 100% as between.

Few tasks, or rates near 0 and 1, show too little of the variance between tasks. It is
estimated together with pseudo-observations that assume `_agreement`; their weight in a
rate is that of the score interval itself (Agresti and Coull 1998), the least at which
the interval of 100% never begins below that of a lower rate. In a difference they are
half a task won and half a task lost (Agresti and Min 2005).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy  # its parts are imported on first use

from wtl.evaluation import resampling
from wtl.evaluation.rollout_row import RolloutRow
from wtl.evaluation.task_table import TaskTable

Rate = dict[str, Any]


def rate(table: TaskTable) -> Rate:
    """Return the success of a table with its interval.

    Several training runs also give `per_run`, the success of each run.
    """
    result = {
        "success": table.overall,
        "ci95": of_rate(table),
        "n": int(table.played.sum()),
    }
    if len(table.runs) > 1:
        each = table.won.sum(axis=1) / table.played.sum(axis=1)
        result["per_run"] = dict(zip(table.runs, each.tolist(), strict=True))
    return result


def rate_by_task(rows: Sequence[RolloutRow]) -> Rate:
    """Return success with its interval, as `rate`; null without rollouts."""
    if not rows:
        return {"success": None, "ci95": None, "n": 0}
    return rate(TaskTable.of_rows(rows))


def mean_by_task(rows: Sequence[RolloutRow], values: Sequence[float]) -> dict[str, Any]:
    """Return the mean value of rows, with its interval."""
    table = TaskTable.of_rows(rows, values)
    rest = table.residuals
    interval = of_mean(table.overall, rest.mean(axis=0), [rest])
    return {"mean": table.overall, "ci95": interval, "n": len(rows)}


def paired(
    first: Sequence[RolloutRow], second: Sequence[RolloutRow]
) -> dict[str, Any] | None:
    """Return how much more the first of two methods succeeds in the scenes of both.

    Runs are paired too if both methods were trained in the same runs.

    Returns:
      `difference`, its `ci95`, `p` of a sign-flip test over tasks (two-sided, runs
      fixed), `n` scenes and `tasks`; None without a common scene.
    """
    first, second, together = in_common(first, second)
    if not first:
        return None
    a, b = TaskTable.of_rows(first), TaskTable.of_rows(second)
    rest = a.residuals, b.residuals
    by_task = a.won.sum(axis=0) / len(a.runs) - b.won.sum(axis=0) / len(b.runs)
    return {
        "difference": a.overall - b.overall,
        "ci95": of_difference(
            a.overall - b.overall,
            rest[0].mean(axis=0) - rest[1].mean(axis=0),
            [rest[0] - rest[1]] if together else rest,
            a.per_task,
        ),
        "p": resampling.sign_flip(by_task),
        "n": len(first) if together else len({row.key for row in first}),
        "tasks": len({row.task_id for row in first}),
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

    keys = [[key(row) for row in rows] for rows in (first, second)]
    both = set(keys[0]).intersection(keys[1])
    return (
        [row for row, each in zip(first, keys[0], strict=True) if each in both],
        [row for row, each in zip(second, keys[1], strict=True) if each in both],
        together,
    )


def of_rate(table: TaskTable) -> list[float]:
    """Return the interval of the success of a table."""
    rate, tasks, rest = table.overall, len(table.tasks), table.residuals
    free = max(tasks - 1, 1)
    # Of one rollout; all residuals are 0 where it is.
    single = rate * (1 - rate) or 1.0
    weight = _quantile(free) ** 2 / 2
    between = (rest.mean(axis=0) ** 2).sum() * tasks / free
    share = (between + weight * _agreement(table.per_task)) / (
        tasks * rate * (1 - rate) + weight
    )
    variance, free = _two_way(single * share / tasks, tasks, [rest])
    t, effective = _quantile(free), single / variance
    centre = rate + t**2 / (2 * effective)
    half = t * np.sqrt(rate * (1 - rate) / effective + t**2 / (4 * effective**2))
    low, high = (centre + np.array([-half, half])) / (1 + t**2 / effective)
    # Rounding may not exclude the rate, nor go beyond 0 and 1.
    return [float(max(min(low, rate), 0)), float(min(max(high, rate), 1))]


def of_difference(
    value: float, by_task: np.ndarray, runs: Sequence[np.ndarray], per_task: float
) -> list[float]:
    """Return the interval of a mean in [-1, 1] whose tasks have `per_task` rollouts."""
    found = of_mean(value, by_task, runs, _agreement(per_task))
    return np.clip(found, -1, 1).tolist()


def of_mean(
    value: float, by_task: np.ndarray, runs: Sequence[np.ndarray], extra: float = 0.0
) -> list[float]:
    """Return the interval of a mean over tasks and runs.

    Args:
      value: the mean.
      by_task: [T] means of tasks.
      runs: [R, T] values of each set of runs that were drawn together.
      extra: squares added to the sum over tasks.
    """
    tasks = len(by_task)
    squares = ((by_task - by_task.mean()) ** 2).sum() + extra
    variance, free = _two_way(squares / (tasks * max(tasks - 1, 1)), tasks, runs)
    half = _quantile(free) * np.sqrt(variance)
    return [float(value - half), float(value + half)]


def _two_way(
    variance: float, tasks: int, runs: Sequence[np.ndarray]
) -> tuple[float, float]:
    """Add the variance of the runs to the variance of a mean over T tasks.

    Returns:
      The sum, and its degrees of freedom.
    """
    parts = [(variance, max(tasks - 1, 1))]
    for table in runs:
        count = len(table)
        if count > 1:
            by_run = table.mean(axis=1, keepdims=True)
            rest = table - by_run - table.mean(axis=0) + table.mean()
            free = count - 1, (count - 1) * max(tasks - 1, 1)
            # Mean squares of runs and of the residue, as variances of the mean.
            of_runs = ((by_run - by_run.mean()) ** 2).sum() / (free[0] * count)
            of_rest = (rest**2).sum() / (free[1] * table.size)
            variance += max(of_runs - of_rest, 0)
            parts += [(of_runs, free[0]), (of_rest, free[1])]
    unsure = sum(part**2 / free for part, free in parts)
    return variance, max(variance**2 / unsure, 1.0) if unsure else parts[0][1]


def _agreement(per_task: float) -> float:
    """Return the expected variance of a task's success, as a share of one rollout's.

    It is halfway between that of independent rollouts and that of rollouts which all
    agree.
    """
    return (1 + 1 / per_task) / 2


def _quantile(free: float) -> float:
    return float(scipy.stats.t.ppf(0.975, free))
