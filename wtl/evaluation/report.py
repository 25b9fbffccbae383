"""The report: one HTML file that needs nothing else."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from wtl.evaluation import camera_video as footages
from wtl.evaluation import glossary, page
from wtl.evaluation.episode_strip import Strip
from wtl.evaluation.figures import success, training
from wtl.evaluation.learning_curve import Curve, learning_curves
from wtl.evaluation.rollout_row import RolloutRow

__all__ = ["Strip", "learning_curves", "write_report"]

_TEMPLATE = "report.html.jinja"
# Methods whose policies have folders of another name.
_METHOD_OF_FOLDER = {
    "trial": "mil",
    "retrial": "wtl",
    "retrial_second_round": "wtl_second_round",
    "trial_human": "mil_human",
    "retrial_human": "wtl_human",
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
    methods = results["methods"]
    by_method = {_METHOD_OF_FOLDER.get(name, name): c for name, c in curves.items()}
    shown = _foremost(strips)
    page.write(
        path,
        _TEMPLATE,
        protocol=results["protocol"],
        methods={name: methods[name] for name in glossary.in_order(methods)},
        paired=results["paired"],
        rollouts=len(rows),
        success=success.figure(methods),
        columns=_COLUMNS,
        training=training.figure(by_method),
        strips=shown,
        **_player(strips),
        more_strips=[strip for strip in strips if strip not in shown],
        facts=page.facts({"protocol": results["protocol"], **provenance}),
        glossary=glossary.METHODS,
    )


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
