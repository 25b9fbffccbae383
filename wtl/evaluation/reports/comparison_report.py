"""Report of a comparison: one self-contained HTML file."""

import os
from collections.abc import Mapping
from typing import Any

from wtl.evaluation import figures
from wtl.evaluation.reports import page


def write_comparison(path: str | os.PathLike, comparison: Mapping[str, Any]) -> None:
    """Write the report of the results of `comparison.compare`."""
    methods, pairs = comparison["methods"], comparison["pairs"]
    page.write(
        path,
        "comparison.html.jinja",
        **{key: comparison[key] for key in ("protocol", "runs", "methods", "record")},
        success=figures.success(methods),
        profiles=figures.profiles({n: m["profile"] for n, m in methods.items()}),
        pairs={
            name: {other: _difference(pairs, name, other) for other in methods}
            for name in methods
        },
        meanings=page.meanings(methods),
        facts=page.facts({"protocol": comparison["protocol"]}),
    )


def _difference(
    pairs: Mapping[str, Mapping[str, Any]], name: str, other: str
) -> dict[str, Any] | None:
    """Return the difference of two methods, and the probability of improvement."""
    if name == other:
        return None
    forward = pairs.get(name, {}).get(other)
    found = forward or pairs[other][name]
    chance = found["probability_of_improvement"]
    if forward:
        return found | {"chance": chance["value"], "chance_ci95": chance["ci95"]}
    return found | {
        "difference": -found["difference"],
        "ci95": [-bound for bound in reversed(found["ci95"])],
        "chance": 1 - chance["value"],
        "chance_ci95": [1 - bound for bound in reversed(chance["ci95"])],
    }
