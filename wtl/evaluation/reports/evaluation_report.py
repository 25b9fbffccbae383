"""Report of an evaluation: one self-contained HTML file."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from wtl.evaluation import camera_video, figures, table
from wtl.evaluation.episode_strip import Strip
from wtl.evaluation.learning_curve import Curve
from wtl.evaluation.reports import page
from wtl.evaluation.rollout_row import RolloutRow

# Columns of the table of rates: title, and keys within the results of a method.
_COLUMNS = (
    ("by identity", ("rules", "identity")),
    ("by position", ("rules", "position")),
    ("rules differ", ("conflict",)),
    ("rules agree", ("no_conflict",)),
    ("trial failed", ("given_trial_failed",)),
    ("trial succeeded", ("given_trial_succeeded",)),
)


def write_report(
    path: str | os.PathLike,
    results: Mapping[str, Any],
    rows: Sequence[RolloutRow],
    curves: Mapping[str, Curve],
    strips: Sequence[Strip],
    provenance: Mapping[str, Any],
) -> None:
    """Write the report of `statistics.results` of some rows.

    The learning curves are by method; the provenance (seed, commit, versions, …) may be
    nested.
    """
    methods = results["methods"]
    shown = _shown(strips)
    videos = [s.trial.video for s in strips if s.trial.video is not None]
    page.write(
        path,
        "evaluation.html.jinja",
        protocol=results["protocol"],
        methods=methods,
        paired=results["paired"],
        rollouts=len(rows),
        success=figures.success(methods),
        columns={
            title: {name: table.find(method, keys) for name, method in methods.items()}
            for title, keys in table.present(_COLUMNS, methods)
        },
        has_bound=any("ceiling" in m for m in methods.values()),
        has_wrong_target=any("wrong_target" in m for m in methods.values()),
        training=figures.training(curves),
        strips=shown,
        has_video=bool(videos),
        has_gaze=any(video.gaze is not None for video in videos),
        pixels=videos[0].image.shape[1] if videos else 0,
        loop=strips[0].loop if strips else 0,
        marks=camera_video.LEGEND,
        more_strips=[strip for strip in strips if strip not in shown],
        caveats=table.oracle_bound_caveat(results["protocol"]),
        facts=page.facts({"protocol": results["protocol"], **provenance}),
        meanings=page.meanings(methods),
    )


def _shown(strips: Sequence[Strip]) -> list[Strip]:
    """Select the first strip of each family, and the first with a failed retrial."""
    first: dict[str, Strip] = {}
    for strip in strips:
        first.setdefault(strip.family, strip)
    shown = list(first.values())
    if all(strip.retrial.success for strip in shown):
        shown += [strip for strip in strips if not strip.retrial.success][:1]
    return shown
