"""Comparison of runs: every method with every other, in the same scenes.

The report follows Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the
Statistical Precipice", except for the intervals: there each task has its own training
runs, here one training serves all tasks (`wtl.evaluation.interval`).
"""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy  # its parts are imported on first use

from wtl.evaluation import interval, played_run, statistics
from wtl.evaluation.played_run import PlayedRun
from wtl.evaluation.rollout_row import RolloutRow, grouped, scene_as_task
from wtl.evaluation.table import not_told_apart
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
    by_task = grouped(rows, "method")
    protocol = _protocol(runs)
    if protocol.get("fixed_tasks"):
        rows = scene_as_task(rows)
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
        method |= _distribution(TaskTable.of_rows(by_task[name]))
    return {
        "protocol": protocol,
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
            TaskTable.of_rows(first), TaskTable.of_rows(second), together
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
    signs = np.sign(a.rates[:, None] - b.rates[None])  # [R, R', T]
    first, second = signs.mean(axis=1), signs.mean(axis=0)
    value = float(signs.mean())
    low, high = interval.of_difference(
        value,
        signs.mean(axis=(0, 1)),
        [first + second] if together else [first, second],
        per_task=1,
    )
    return {"value": (1 + value) / 2, "ci95": [(1 + low) / 2, (1 + high) / 2]}


def _distribution(table: TaskTable) -> dict[str, Any]:
    scenes = int(table.played.max())
    taus = np.arange(1, scenes + 1) / scenes
    reached = [TaskTable.of_shares(table.rates >= tau - 1e-9) for tau in taus]
    return {
        "interquartile_mean": _trimmed(table) if scenes > 1 else None,
        "profile": [
            {"tau": float(tau), "value": share.overall, "ci95": interval.of_rate(share)}
            for tau, share in zip(taus, reached, strict=True)
        ],
    }


def _trimmed(table: TaskTable) -> dict[str, Any]:
    """Return the trimmed mean with the interval of its winsorised variance."""
    value = float(scipy.stats.trim_mean(table.rates, _TRIMMED, axis=None))
    order = np.sort(table.rates, axis=None)
    cut = int(_TRIMMED * order.size)
    rest = np.clip(table.rates, order[cut], order[-1 - cut]) / (1 - 2 * _TRIMMED)
    found = interval.of_difference(value, rest.mean(axis=0), [rest], table.per_task)
    return {"value": value, "ci95": np.clip(found, 0, 1).tolist()}


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
            outcome = ("won", "lost") if found["difference"] > 0 else ("lost", "won")
            if not_told_apart(found):
                outcome = ("even", "even")
            for name, came in zip((first, second), outcome, strict=True):
                record[family][name][came] += 1
    return record
