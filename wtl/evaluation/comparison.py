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
from wtl.evaluation.rollout_row import RolloutRow
from wtl.evaluation.task_table import TaskTable
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
    held = Counter(
        method
        for members in sets.values()
        for method in {method for run in members for method in run.methods}
    )
    rows: dict[str, list[RolloutRow]] = {}
    for name, members in sets.items():
        for row in (row for run in members for row in run.rows):
            method = f"{name}/{row.method}" if held[row.method] > 1 else row.method
            rows.setdefault(method, []).append(dataclasses.replace(row, method=method))
    found = statistics.results([row for group in rows.values() for row in group], {})
    methods = found["methods"]
    runs = [run for members in sets.values() for run in members]
    pairs = _pairs(rows, list(methods))
    for name, method in methods.items():
        method |= _distribution(TaskTable.of(rows[name]))
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
            for name, members in sets.items()
            for run in members
        ],
        "methods": methods,
        "paired": found["paired"] | _across(pairs),
        "pairs": pairs,
        "record": _record(pairs, list(methods)),
    }


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


def _pairs(
    rows: Mapping[str, Sequence[RolloutRow]], names: Sequence[str]
) -> dict[str, dict[str, Any]]:
    pairs: dict[str, dict[str, Any]] = {}
    for first, second in itertools.combinations(names, 2):
        pairs.setdefault(first, {})[second] = _pair(rows[first], rows[second])
    return pairs


def _pair(first: Sequence[RolloutRow], second: Sequence[RolloutRow]) -> dict[str, Any]:
    first, second, together = interval.in_common(first, second)
    families = dict.fromkeys(row.family for row in first)
    return {
        **interval.paired(first, second),
        "probability_of_improvement": _improvement(
            TaskTable.of(first), TaskTable.of(second), together
        ),
        "families": {
            family: interval.paired(
                *(
                    [row for row in rows if row.family == family]
                    for rows in (first, second)
                )
            )
            for family in families
        },
    }


def _improvement(a: TaskTable, b: TaskTable, together: bool) -> dict[str, Any]:
    """Estimate the probability that a run of `a` beats a run of `b` in a task.

    Ties count half: the Mann-Whitney U statistic of the runs' successes in each task as
    a share of all pairs of runs, averaged over tasks.
    """
    won = (1 + np.sign(a.rates[:, None] - b.rates[None])) / 2  # [R, R', T]

    def mean(tasks, runs, other_runs=None):
        other_runs = runs if other_runs is None else other_runs
        place = (
            runs[..., :, None, None],
            other_runs[..., None, :, None],
            tasks[..., None, None, :],
        )
        return won[place].mean((-3, -2, -1))

    counts = a.shape if together else (*a.shape, len(b.runs))
    return {
        "value": float(won.mean()),
        "ci95": resampling.interval(mean, counts),
    }


def _across(pairs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the pairs of one method in different sets."""
    return {
        f"{first}_vs_{second}": pair
        for first, others in pairs.items()
        for second, pair in others.items()
        if first.rpartition("/")[2] == second.rpartition("/")[2]
    }


def _distribution(table: TaskTable) -> dict[str, Any]:
    scenes = int(table.played.max())
    levels = np.arange(1, scenes + 1) / scenes

    def share(tau):
        reached = table.rates >= tau - 1e-9
        return _of_rates(table, reached.astype(float), lambda found: found.mean(-1))

    return {
        "interquartile_mean": _of_rates(
            table,
            table.rates,
            lambda found: stats.trim_mean(found, _TRIMMED, axis=-1),
        )
        if scenes > 1
        else None,
        "profile": [{"tau": float(tau), **share(tau)} for tau in levels],
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
    pairs: Mapping[str, Mapping[str, Any]], names: Sequence[str]
) -> dict[str, dict[str, dict[str, int]]]:
    families = dict.fromkeys(
        family
        for others in pairs.values()
        for pair in others.values()
        for family in pair["families"]
    )
    record = {
        family: {name: {"won": 0, "even": 0, "lost": 0} for name in names}
        for family in (ALL, *families)
    }
    for first, others in pairs.items():
        for second, pair in others.items():
            for family, found in ((ALL, pair), *pair["families"].items()):
                low, high = found["ci95"]
                outcome = ("won", "lost") if low > 0 else ("lost", "won")
                if low <= 0 <= high:
                    outcome = ("even", "even")
                for name, came in zip((first, second), outcome, strict=True):
                    record[family][name][came] += 1
    return record
