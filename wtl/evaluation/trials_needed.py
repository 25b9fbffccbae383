"""Success by number of trials, and how many trials it takes to match a method.

Tasks that never match within the budget are censored: they count as needing more, and
a median or bound that falls among them is `null`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wtl.evaluation.resampling import RESAMPLES, SEED
from wtl.evaluation.table import caption, markdown, with_interval
from wtl.policies.methods import label

_BOUNDS = (0.025, 0.975)


def curve(trials: Sequence[int], success: np.ndarray) -> dict[str, Any]:
    """Return the mean success over tasks, with a bootstrap interval over tasks.

    Args:
      trials: [P] numbers of trials after which success was measured.
      success: [T, P] share of the scenes of each task.

    Returns:
      `trials`, `success`, `ci95` and the number of `tasks`.
    """
    means = _draws(len(success)) @ success
    return {
        "trials": [int(number) for number in trials],
        "success": success.mean(axis=0).tolist(),
        "ci95": np.quantile(means, _BOUNDS, axis=0).T.tolist(),
        "tasks": len(success),
    }


def trials_needed(
    trials: Sequence[int], success: np.ndarray, goal: np.ndarray
) -> dict[str, Any]:
    """Count the trials after which tasks match the success of another method.

    A match holds at one evaluation and at the next, if there is a next.

    Args:
      trials: [P] numbers of trials after which success was measured, rising.
      success: [T, P] share of the scenes of each task.
      goal: [T] success of the other method on the same scenes.

    Returns:
      `mean`: trials after which the mean over tasks matches the mean of the other;
      `median` over tasks of the trials that each needs, with `matched`, the share of
      tasks that match, and `per_task`. Both have `trials` and `ci95` by bootstrap over
      tasks, null for more than the `budget`.
    """
    budget = int(trials[-1])
    draws = _draws(len(success))
    means = first_match(trials, draws @ success, draws @ goal)
    per_task = first_match(trials, success, goal)
    order = np.argsort(per_task)
    # Medians of the resamples: where the sorted weights pass one half.
    passed = np.cumsum(draws[:, order], axis=1) >= 0.5 - 1e-9
    medians = per_task[order][passed.argmax(axis=1)]
    return {
        "budget": budget,
        "mean": {
            "trials": _known(
                first_match(trials, success.mean(axis=0)[None], goal.mean()[None])[0]
            ),
            "ci95": _quantiles(means, *_BOUNDS),
        },
        "median": {
            "trials": _quantiles(per_task, 0.5)[0],
            "ci95": _quantiles(medians, *_BOUNDS),
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


def _draws(tasks: int) -> np.ndarray:
    """Return [R, T] task weights of resamples, the same in every call."""
    rng = np.random.default_rng(SEED)
    return rng.multinomial(tasks, np.full(tasks, 1 / tasks), RESAMPLES) / tasks


def _quantiles(values: np.ndarray, *shares: float) -> list[int | None]:
    """Return the least values that at least these shares do not exceed."""
    found = np.quantile(values, shares, method="inverted_cdf")
    return [_known(number) for number in found]


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
    header += ["matches WTL after", "each task after (median)", "tasks that match"]
    body = []
    for name, found in curves["reference"].items():
        rate = {"success": found["success"][0], "ci95": found["ci95"][0]}
        body.append([label(name), with_interval(rate)])
        body[-1] += ["–"] * (len(header) - 2)
    for name, found in curves["arms"].items():
        at = dict(zip(found["trials"], zip(found["success"], found["ci95"])))
        needed = found["needed"]
        body.append(
            [
                label(name),
                *(_rate(at.get(number)) for number in shown),
                _interval(needed["mean"], needed["budget"]),
                _interval(needed["median"], needed["budget"]),
                f"{100 * needed['median']['matched']:.0f} %",
            ]
        )
    return header, body


def _rate(found: tuple[float, Sequence[float]] | None) -> str:
    if found is None:
        return "–"
    return with_interval({"success": found[0], "ci95": found[1]})


def _interval(found: Mapping[str, Any], budget: int) -> str:
    """Return a number of trials with its interval; null is more than the budget."""
    trials, low, high = (
        f"> {budget:,}" if number is None else f"{number:,}"
        for number in (found["trials"], *found["ci95"])
    )
    return f"{trials} [{low}, {high}]"
