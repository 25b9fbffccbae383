"""The report: one HTML file that needs nothing else."""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2
import markupsafe

from wtl.evaluation import chart, glossary, table
from wtl.evaluation import footage as footages
from wtl.evaluation.learning_curve import Curve, learning_curves
from wtl.evaluation.rollout_row import RolloutRow
from wtl.evaluation.strip import Strip

__all__ = ["Strip", "learning_curves", "write_report"]

_TEMPLATE = "report.html.jinja"
# Methods whose policies have folders of another name.
_METHOD_OF_FOLDER = {
    "trial": "mil",
    "retrial": "wtl",
    "trial_human": "mil_human",
    "retrial_human": "wtl_human",
}
_CURVES = {
    "target_accuracy": "Chose the right target (share)",
    "target": "Choice of target (cross-entropy)",
    "imitation": "Imitation (negative log-likelihood)",
    "attention": "Attention to what was acted on (cross-entropy)",
    "total": "Total loss",
}
_COLUMNS = {
    "identity": "by identity",
    "position": "by position",
    "conflict": "readings differ",
    "no_conflict": "readings agree",
    "given_trial_failed": "trial failed",
    "given_trial_succeeded": "trial succeeded",
}


def write_report(
    path: str | os.PathLike,
    results: Mapping[str, Any],
    rows: Sequence[RolloutRow],
    curves: Mapping[str, Curve],
    strips: Sequence[Strip],
    provenance: Mapping[str, Any],
) -> None:
    """Writes the report at once, never half of it.

    Args:
      path: of the HTML file.
      results: as from `statistics.results`.
      rows: the rollouts behind them.
      curves: learning curves by folder of the policy.
      strips: episodes to show.
      provenance: seed, commit, versions, commands, …; may be nested.
    """
    path = pathlib.Path(path)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": table.percent,
        "points": table.points,
        "ceiling_caveat": table.ceiling_caveat,
        "label": glossary.label,
        "method_class": chart.method_class,
        "svg": markupsafe.Markup,  # of our own making, escaped there
    }
    methods = results["methods"]
    shown = _foremost(strips)
    text = environment.get_template(_TEMPLATE).render(
        protocol=results["protocol"],
        methods={name: methods[name] for name in glossary.in_order(methods)},
        paired=results["paired"],
        rollouts=len(rows),
        panels=_panels(methods),
        columns=_COLUMNS,
        curve_panels=_curve_panels(curves),
        curve_methods=[_METHOD_OF_FOLDER.get(name, name) for name in curves],
        strips=shown,
        **_player(strips),
        more_strips=[strip for strip in strips if strip not in shown],
        facts=_facts({"protocol": results["protocol"], **provenance}),
        glossary=glossary.METHODS,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with open(partial, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _player(strips: Sequence[Strip]) -> dict[str, Any]:
    """What the template has to know of how strips are played."""
    filmed = [s.trial.footage for s in strips if s.trial.footage is not None]
    return {
        "has_footage": bool(filmed),
        "has_gaze": any(footage.gaze is not None for footage in filmed),
        "pixels": filmed[0].image.shape[1] if filmed else 0,
        "loop": strips[0].loop if strips else 0,
        "marks": footages.LEGEND,
    }


def _foremost(strips: Sequence[Strip]) -> list[Strip]:
    """The first strip of each family, and the first whose retrial failed."""
    first: dict[str, Strip] = {}
    for strip in strips:
        first.setdefault(strip.family, strip)
    shown = list(first.values())
    if all(strip.retrial.success for strip in shown):
        shown += [strip for strip in strips if not strip.retrial.success][:1]
    return shown


def _panels(methods: Mapping[str, Any]) -> dict[str, str]:
    """A chart of all methods for all families together, and for each."""
    names = glossary.in_order(methods)
    families = list(
        dict.fromkeys(family for name in names for family in methods[name]["families"])
    )

    def rates(family: str | None):
        for name in names:
            method = methods[name]
            if family is None:
                yield name, method["overall"], method["ceiling"]
            else:
                ceiling = method.get("ceilings", {}).get("families", {}).get(family)
                yield name, method["families"].get(family), ceiling

    return {
        family or "all families": chart.success_panel(
            family or "all families", list(rates(family))
        )
        for family in (None, *families)
    }


def _curve_panels(curves: Mapping[str, Curve]) -> dict[str, str]:
    by_method = {_METHOD_OF_FOLDER.get(name, name): c for name, c in curves.items()}
    panels = {
        title: chart.curve_panel(name, by_method) for name, title in _CURVES.items()
    }
    return {title: panel for title, panel in panels.items() if panel}


def _facts(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Nested values as pairs of a dotted name and text."""
    if not isinstance(value, Mapping):
        if isinstance(value, (list, tuple)):
            value = "\n".join(map(str, value))
        return [(prefix, str(value))]
    return [
        fact
        for name, part in value.items()
        for fact in _facts(part, f"{prefix}.{name}" if prefix else str(name))
    ]
