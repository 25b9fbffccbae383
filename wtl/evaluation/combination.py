"""Several training seeds taken together, in the format of `results.json`."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats


def combine(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Averages results over training seeds.

    Rates become their mean over the seeds, with the t-interval over seeds (of one
    seed, or of seeds that agree to the last digit, the interval found within a seed),
    `n` summed, and `min`, `max`, `per_seed` and `n_per_seed`; `p` is that of a t-test
    over seeds. All seeds are tested on
    the same tasks, so this interval speaks of training again, not of other tasks.

    Args:
      results: as from `statistics.results`, one for each seed.

    Raises:
      ValueError: without results.
    """
    if not results:
        raise ValueError("there are no results to combine")
    first = results[0]["protocol"]
    protocol = {
        name: value
        for name, value in first.items()
        if name != "seed" and all(r["protocol"].get(name) == value for r in results)
    }
    seeds = [result["protocol"].get("seed") for result in results]
    return {
        "protocol": protocol | {"seed": seeds[0], "seeds": seeds},
        "seeds": seeds,
        "methods": _combine([result["methods"] for result in results]),
        "paired": _combine([result["paired"] for result in results]),
    }


def _combine(parts: Sequence[Any]) -> Any:
    """Combines what stands in the same place in the results of each seed."""
    there = [part for part in parts if part is not None]
    if not there:
        return None
    if not isinstance(there[0], Mapping):
        return float(np.mean(there))
    measure = next((m for m in ("success", "difference") if m in there[0]), None)
    nested = {
        name: _combine([part.get(name) for part in there])
        for name in dict.fromkeys(name for part in there for name in part)
        if measure is None or isinstance(there[0].get(name), Mapping)
    }
    return nested if measure is None else _measured(there, measure) | nested


def _measured(parts: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    counted = [part for part in parts if part[name] is not None]
    numbers = [part["n"] for part in parts]
    if not counted:
        return {name: None, "ci95": None, "n": 0}
    values = [part[name] for part in counted]
    result = {
        name: statistics.fmean(values),
        "ci95": _interval(values, [part["ci95"] for part in counted], name),
        "n": sum(numbers),
        "min": min(values),
        "max": max(values),
        "per_seed": [part[name] for part in parts],
        "n_per_seed": numbers,
    }
    if "p" in counted[0]:
        result["p"] = _probability(values, [part["p"] for part in counted])
        result["p_per_seed"] = [part["p"] for part in parts]
    return result


def _spread(values: Sequence[float]) -> bool:
    return max(values) - min(values) > 1e-12


def _probability(values: Sequence[float], within: Sequence[float]) -> float:
    """Of a t-test over seeds, or the largest within a seed."""
    if not _spread(values):
        return max(within)
    return float(stats.ttest_1samp(values, 0.0).pvalue)


def _interval(
    values: Sequence[float], within: Sequence[Sequence[float]], name: str
) -> list[float]:
    if not _spread(values):
        return [float(bound) for bound in np.mean(within, axis=0)]
    error = stats.sem(values)
    margin = float(stats.t.ppf(0.975, len(values) - 1) * error)
    mean = statistics.fmean(values)
    lowest = 0.0 if name == "success" else -1.0
    return [max(mean - margin, lowest), min(mean + margin, 1.0)]
