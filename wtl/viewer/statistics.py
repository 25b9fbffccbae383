"""Statistics of many episodes."""

import collections
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wtl.datasets.contract import fields
from wtl.evaluation import interval
from wtl.evaluation.task_table import TaskTable
from wtl.viewer.index import Row

_BINS = 20
_MEASURES: dict[str, Callable[[Row], float]] = {
    "steps": lambda row: row.quality.transitions,
    "idle": lambda row: row.quality.idle,
    "saturated": lambda row: row.quality.saturated,
}
_SHARES = ("idle", "saturated")


def summarise(rows: Sequence[Row]) -> dict[str, Any]:
    """Return counts, success with intervals over tasks, and distributions."""
    groups = collections.defaultdict(list)
    flags: collections.Counter[str] = collections.Counter()
    splits: collections.Counter[str] = collections.Counter()
    for row in rows:
        groups[row.dataset, row[fields.ROLE], row[fields.FAMILY]].append(row)
        flags.update(row.flags)
        splits[row[fields.SPLIT]] += 1
    return {
        "episodes": len(rows),
        "tasks": len({row[fields.TASK_ID] for row in rows}),
        "seconds": sum(row.quality.seconds for row in rows),
        "transitions": sum(row.quality.transitions for row in rows),
        "success": _success(rows),
        "splits": dict(splits),
        "actors": len({row.actor for row in rows}),
        "flags": dict(sorted(flags.items())),
        "groups": [
            {
                "dataset": dataset,
                "role": role,
                "family": family,
                "episodes": len(members),
                "success": _success(members),
                **{
                    name: float(np.mean([measure(row) for row in members]))
                    for name, measure in _MEASURES.items()
                },
            }
            for (dataset, role, family), members in sorted(groups.items())
        ],
        "histograms": {
            name: _histogram(name, [measure(row) for row in rows])
            for name, measure in _MEASURES.items()
            if rows
        },
    }


def _success(rows: Sequence[Row]) -> dict[str, Any]:
    if not rows:
        return interval.rate_by_task([])
    success, tasks = zip(*((row[fields.SUCCESS], row[fields.TASK_ID]) for row in rows))
    table = TaskTable.of(success, tasks, range(len(rows)), [""] * len(rows))
    return interval.rate(table)


def _histogram(name: str, values: Sequence[float]) -> dict[str, list[float]]:
    bounds = (0.0, 1.0) if name in _SHARES else (min(values), max(values) + 1e-9)
    counts, edges = np.histogram(values, bins=_BINS, range=bounds)
    return {"counts": counts.tolist(), "edges": edges.tolist()}
