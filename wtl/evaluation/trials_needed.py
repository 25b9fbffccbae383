"""Success by number of trials, and how many trials it takes to match a method.

Tasks that never match within the budget are censored: they count as needing more, and
a quantile or bound that falls among them is `null`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy  # its parts are imported on first use

from wtl.evaluation import interval
from wtl.evaluation.table import caption, markdown, with_interval
from wtl.evaluation.task_table import TaskTable
from wtl.policies.methods import label


def curve(trials: Sequence[int], success: np.ndarray, scenes: int) -> dict[str, Any]:
    """Return the mean success over tasks, with an interval over tasks.

    Args:
      trials: [P] numbers of trials after which success was measured.
      success: [T, P] share of the scenes of each task.
      scenes: number of the scenes of a task.

    Returns:
      `trials`, `success`, `ci95` and the number of `tasks`.
    """
    return {
        "trials": [int(number) for number in trials],
        "success": success.mean(axis=0).tolist(),
        "ci95": [
            interval.of_rate(TaskTable.of_shares(column[None], scenes))
            for column in success.T
        ],
        "tasks": len(success),
    }


def trials_needed(
    trials: Sequence[int], success: np.ndarray, goal: np.ndarray, scenes: int
) -> dict[str, Any]:
    """Count the trials after which tasks match the success of another method.

    A match holds at one evaluation and at the next, if there is a next.

    Args:
      trials: [P] numbers of trials after which success was measured, rising.
      success: [T, P] share of the scenes of each task.
      goal: [T] success of the other method on the same scenes.
      scenes: number of the scenes of a task.

    Returns:
      `mean`: `trials` after which the mean over tasks matches the mean of the other,
      with `ci95`, from the first trials at which the interval of the paired difference
      reaches 0 to those at which it lies above (Fieller's); `median` over tasks of the
      trials that each needs, with `ci95` by order statistics, `quartiles`,
      `restricted_mean` (tasks that need more count with the budget), `matched`, the
      share of tasks that match, and `per_task`. Null is more than the `budget`.
    """
    budget = int(trials[-1])
    per_task = first_match(trials, success, goal)
    ahead = success - goal[:, None]
    limits = np.array(
        [
            interval.of_difference(column.mean(), column, [], scenes)
            for column in ahead.T
        ]
    )
    reached = np.stack([limits[:, 1], ahead.mean(axis=0), limits[:, 0]])
    low, found, high = map(_known, first_match(trials, reached, np.zeros(3)))
    order = np.concatenate([[trials[0]], np.sort(per_task), [np.inf]])
    rank = int(scipy.stats.binom.ppf(0.025, len(per_task), 0.5))
    first, middle, third = np.quantile(
        per_task, (0.25, 0.5, 0.75), method="inverted_cdf"
    )
    return {
        "budget": budget,
        "mean": {"trials": found, "ci95": [low, high]},
        "median": {
            "trials": _known(middle),
            "ci95": [_known(order[rank]), _known(order[-1 - rank])],
            "quartiles": [_known(first), _known(third)],
            "restricted_mean": float(np.minimum(per_task, budget).mean()),
            "matched": float(np.isfinite(per_task).mean()),
            "per_task": [_known(number) for number in per_task],
        },
    }


def first_match(
    trials: Sequence[int], success: np.ndarray, goal: np.ndarray
) -> np.ndarray:
    """Return [N] trials from which on `success` [N, P] matches `goal` [N], or inf."""
    there = success >= goal[:, None] - 1e-9
    stays = there & np.concatenate([there[:, 1:], there[:, -1:]], axis=1)
    first = np.asarray(trials, np.float64)[stays.argmax(axis=1)]
    return np.where(stays.any(axis=1), first, np.inf)


def _known(number: float) -> int | None:
    return int(number) if math.isfinite(number) else None


def format_table(curves: Mapping[str, Any]) -> str:
    """Return a table of the contents of `curves.json` of `wtl reinforce`, as Markdown.

    It is legible in the terminal too.
    """
    header, body = cells(curves)
    protocol = curves["protocol"]
    title = f"{caption(protocol)}; trials in {protocol['scenes']} scenes"
    return "\n".join([title, "", *markdown(header, body)])


def cells(curves: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return header and body of the table."""
    last = curves["protocol"]["trials"]
    shown = [n for n in (0, 10, 100, 300, 1000, 3000) if n < last] + [last]
    header = ["method", *(f"{n:,} trials" for n in shown)]
    header += ["task matches WTL after (median)", "half of the tasks after"]
    header += ["mean of the tasks", "tasks that match", "mean success matches after"]
    body = []
    for name, found in curves["reference"].items():
        rate = {"success": found["success"][0], "ci95": found["ci95"][0]}
        body.append([label(name), with_interval(rate)])
        body[-1] += ["–"] * (len(header) - 2)
    for name, found in curves["arms"].items():
        at = dict(zip(found["trials"], zip(found["success"], found["ci95"])))
        budget, median = found["needed"]["budget"], found["needed"]["median"]
        first, third = (_trials(n, budget) for n in median["quartiles"])
        at_least = "" if median["matched"] == 1 else "≥ "
        body.append(
            [
                label(name),
                *(_rate(at.get(number)) for number in shown),
                _interval(median, budget),
                f"{first} to {third}",
                f"{at_least}{median['restricted_mean']:,.0f}",
                f"{100 * median['matched']:.0f} %",
                _interval(found["needed"]["mean"], budget),
            ]
        )
    return header, body


def _rate(found: tuple[float, Sequence[float]] | None) -> str:
    if found is None:
        return "–"
    return with_interval({"success": found[0], "ci95": found[1]})


def _interval(found: Mapping[str, Any], budget: int) -> str:
    trials, low, high = (_trials(n, budget) for n in (found["trials"], *found["ci95"]))
    return f"{trials} [{low}, {high}]"


def _trials(number: int | None, budget: int) -> str:
    """Return a number of trials; null is more than the budget."""
    return f"> {budget:,}" if number is None else f"{number:,}"
