"""The report of a comparison: one HTML file that needs nothing else."""

import os
from collections.abc import Mapping
from typing import Any

from wtl.evaluation import glossary, page
from wtl.evaluation.figures import profile, success

_TEMPLATE = "comparison.html.jinja"


def write_comparison(path: str | os.PathLike, comparison: Mapping[str, Any]) -> None:
    """Writes the report.

    Args:
      path: of the HTML file.
      comparison: as from `comparison.compare`.
    """
    methods = comparison["methods"]
    page.write(
        path,
        _TEMPLATE,
        protocol=comparison["protocol"],
        runs=comparison["runs"],
        methods=methods,
        success=success.figure(methods),
        profiles=profile.figure({n: m["profile"] for n, m in methods.items()}),
        pairs={
            name: {
                other: _seen_from(comparison["pairs"], name, other) for other in methods
            }
            for name in methods
        },
        record=comparison["record"],
        meanings={
            name: glossary.METHODS[known].meaning
            for name in methods
            if (known := name.rpartition("/")[2]) in glossary.METHODS
        },
        facts=page.facts({"protocol": comparison["protocol"]}),
    )


def _seen_from(
    pairs: Mapping[str, Mapping[str, Any]], name: str, other: str
) -> dict[str, Any] | None:
    """What a method is to another: the difference, and how often it does better."""
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
