"""Comparison of runs: every method with every other, in the same scenes.

The report follows Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the
Statistical Precipice", except for the resampling: there each task has its own training
runs, here one training serves all tasks (`wtl.evaluation.resampling`).
"""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from wtl.evaluation import interval, played_run, resampling, statistics
from wtl.evaluation.played_run import PlayedRun
from wtl.evaluation.resampling import TaskTable
from wtl.evaluation.rollout_row import RolloutRow, grouped
from wtl.policies.methods import in_order

ALL = "all"
_TRIMMED = 0.25  # of either end, by the interquartile mean


def compare(sets: Mapping[str, Sequence[PlayedRun]]) -> dict[str, Any]:
    """Compare all methods of some runs.

    Args:
      sets: set name -> runs that differ only in the training seed. A method has as many
        runs as there are members with it. A method of several sets is named
        `SET/METHOD`.

    Returns:
      The contents of `statistics.results`, and

      - `methods`: for each also `interquartile_mean` of the success in its tasks, null
        if a task has only one scene, and `profile`, the share of tasks with a
        success of at least tau.
      - `pairs`: FIRST -> SECOND -> their paired `difference`, with
        `probability_of_improvement` and, by family, differences.
      - `record`: family (or `all`) -> method -> how many others it is better than
        (`won`), worse than (`lost`), by 95% intervals of the differences, or neither.
      - `runs`: the compared runs.

    Raises:
      UserError: if they can't be compared.
    """
    played_run.check(sets)
    compared = [(name, run) for name, members in sets.items() for run in members]
    runs = [run for _, run in compared]
    held = Counter(
        method
        for members in sets.values()
        for method in {method for run in members for method in run.methods}
    )
    rows = []
    for name, run in compared:
        for row in run.rows:
            method = f"{name}/{row.method}" if held[row.method] > 1 else row.method
            rows.append(dataclasses.replace(row, method=method))
    by_method = grouped(rows, "method")
    found = statistics.results(
        [row for group in by_method.values() for row in group], {}
    )
    methods = found["methods"]
    pairs: dict[str, dict[str, Any]] = {}
    for first, second in itertools.combinations(methods, 2):
        pairs.setdefault(first, {})[second] = _pair(by_method[first], by_method[second])
    flat = [(a, b, pair) for a, others in pairs.items() for b, pair in others.items()]
    for name, method in methods.items():
        method |= _distribution(TaskTable.of(by_method[name]))
    return {
        "protocol": _protocol(runs),
        "seeds": sorted({run.protocol["seed"] for run in runs}),
        "runs": [
            {
                "set": name,
                "run": run.path,
                "seed": run.protocol["seed"],
                "commit": run.commit,
                "methods": in_order(run.methods),
            }
            for name, run in compared
        ],
        "methods": methods,
        # With those of one method in different sets.
        "paired": found["paired"]
        | {f"{a}_vs_{b}": pair for a, b, pair in flat if _bare(a) == _bare(b)},
        "pairs": pairs,
        "record": _record(flat, list(methods)),
    }


def _bare(method: str) -> str:
    return method.rpartition("/")[2]


def _protocol(runs: Sequence[PlayedRun]) -> dict[str, Any]:
    first = runs[0].protocol
    shared = {
        name: value
        for name, value in first.items()
        if all(run.protocol.get(name) == value for run in runs)
    }
    seeds = {seed for run in runs for seed in run.protocol.get("training_seeds", ())}
    seeds |= {run.protocol["seed"] for run in runs}
    return shared | {"seed": first["seed"], "training_seeds": sorted(seeds)}


def _pair(first: Sequence[RolloutRow], second: Sequence[RolloutRow]) -> dict[str, Any]:
    first, second, together = interval.in_common(first, second)
    others = grouped(second, "family")
    return {
        **interval.paired(first, second),
        "probability_of_improvement": _improvement(
            TaskTable.of(first), TaskTable.of(second), together
        ),
        "families": {
            family: interval.paired(rows, others[family])
            for family, rows in grouped(first, "family").items()
        },
    }


def _improvement(a: TaskTable, b: TaskTable, together: bool) -> dict[str, Any]:
    """Estimate the probability that a run of `a` beats a run of `b` in a task.

    Ties count half: the Mann-Whitney U statistic of the runs' successes in each task as
    a share of all pairs of runs, averaged over tasks.
    """
    won = (1 + np.sign(a.rates[:, None] - b.rates[None])) / 2  # [R, R', T]

    def mean(tasks, *runs):
        first, second = runs[0][..., :, None, None], runs[-1][..., None, :, None]
        return won[first, second, tasks[..., None, None, :]].mean((-3, -2, -1))

    counts = a.shape if together else (*a.shape, len(b.runs))
    return {"value": float(won.mean()), "ci95": resampling.interval(mean, counts)}


def _distribution(table: TaskTable) -> dict[str, Any]:
    scenes = int(table.played.max())

    def middle(found):
        return stats.trim_mean(found, _TRIMMED, axis=-1)

    def share(tau):
        reached = table.rates >= tau - 1e-9
        return _of_rates(table, reached.astype(float), lambda found: found.mean(-1))

    return {
        "interquartile_mean": _of_rates(table, table.rates, middle)
        if scenes > 1
        else None,
        "profile": [
            {"tau": float(tau), **share(tau)}
            for tau in np.arange(1, scenes + 1) / scenes
        ],
    }


def _of_rates(table: TaskTable, values: np.ndarray, summary) -> dict[str, Any]:
    """Return a summary of values [R, T] with its interval."""

    def statistic(tasks, runs):
        drawn = values[runs[..., :, None], tasks[..., None, :]]
        return summary(drawn.reshape(*drawn.shape[:-2], -1))

    return {
        "value": float(summary(values.ravel())),
        "ci95": resampling.interval(statistic, table.shape),
    }


def _record(
    pairs: Sequence[tuple[str, str, Mapping[str, Any]]], names: Sequence[str]
) -> dict[str, dict[str, dict[str, int]]]:
    families = dict.fromkeys(f for *_, pair in pairs for f in pair["families"])
    record = {
        family: {name: {"won": 0, "even": 0, "lost": 0} for name in names}
        for family in (ALL, *families)
    }
    for first, second, pair in pairs:
        for family, found in ((ALL, pair), *pair["families"].items()):
            low, high = found["ci95"]
            outcome = ("won", "lost") if low > 0 else ("lost", "won")
            if low <= 0 <= high:
                outcome = ("even", "even")
            for name, came in zip((first, second), outcome, strict=True):
                record[family][name][came] += 1
    return record
