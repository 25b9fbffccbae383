"""Reports: self-contained HTML files, from the templates in the folder `page`."""

import base64
import os
import pathlib
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2
import markupsafe

from wtl.datasets.contract import fields
from wtl.datasets.storage import files
from wtl.evaluation import (
    adaptation,
    camera_video,
    figures,
    offline,
    table,
    trial_results,
    trials_needed,
)
from wtl.evaluation.episode_strip import Strip
from wtl.evaluation.fault_film import FaultFilm
from wtl.evaluation.learning_curve import Curve
from wtl.evaluation.rollout_row import RolloutRow
from wtl.policies import methods as methods_lib
from wtl.viewer import address

Path = str | os.PathLike
# Columns of the table of rates: title, and keys within the results of a method.
_COLUMNS = (
    ("rules differ", ("conflict",)),
    ("rules agree", ("no_conflict",)),
    ("trial failed", ("given_trial_failed",)),
    ("trial succeeded", ("given_trial_succeeded",)),
)


def _rates(
    methods: Mapping[str, Any], columns: Sequence[table.Column]
) -> dict[str, dict[str, Any]]:
    """Rates of each method by title of a column."""
    return {
        title: {name: table.find(method, keys) for name, method in methods.items()}
        for title, keys in columns
    }


def write_evaluation(
    path: Path,
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
    rules = table.rules_of(methods)
    by_rule = [(f"by {kind}", ("rules", kind)) for kind in rules]
    shown = _shown(strips)
    videos = [s.trial.video for s in strips if s.trial.video is not None]
    _write(
        path,
        "evaluation.html.jinja",
        protocol=results["protocol"],
        methods=methods,
        paired=results["paired"],
        rollouts=len(rows),
        success=figures.success(methods),
        columns=_rates(methods, table.present(_COLUMNS, methods)),
        by_rule=_rates(methods, by_rule),
        numbers=sorted(
            {n for m in methods.values() for n in m.get("open_targets", ())}
        ),
        open_targets=figures.open_targets(methods),
        rules=rules,
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
        facts=_facts({"protocol": results["protocol"], **provenance}),
        meanings=_meanings(methods),
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


def write_comparison(path: Path, comparison: Mapping[str, Any]) -> None:
    """Write the report of the results of `comparison.compare`."""
    methods, pairs = comparison["methods"], comparison["pairs"]
    _write(
        path,
        "comparison.html.jinja",
        **{key: comparison[key] for key in ("protocol", "runs", "methods", "record")},
        success=figures.success(methods),
        open_targets=figures.open_targets(methods),
        profiles=figures.profiles({n: m["profile"] for n, m in methods.items()}),
        pairs={
            name: {other: _difference(pairs, name, other) for other in methods}
            for name in methods
        },
        meanings=_meanings(methods),
        facts=_facts({"protocol": comparison["protocol"]}),
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


def write_reinforcement(path: Path, curves: Mapping[str, Any]) -> None:
    """Write the page of the contents of `curves.json` of `wtl reinforce`."""
    header, body = trials_needed.cells(curves)
    _write(
        path,
        "reinforcement.html.jinja",
        protocol=curves["protocol"],
        figure=figures.trials_needed(curves),
        header=header,
        body=body,
        meanings=_meanings((*curves["reference"], *curves["arms"])),
    )


def write_adaptation(
    path: Path,
    results: Mapping[str, Any],
    films: Sequence[FaultFilm],
    provenance: Mapping[str, Any],
) -> None:
    """Write the page of `adaptation.results`."""
    header, body = adaptation.cells(results)
    _write(
        path,
        "adaptation.html.jinja",
        protocol=results["protocol"],
        figure=figures.adaptation(results),
        header=header,
        body=body,
        films=films,
        meanings=_meanings(results["methods"]),
        facts=_facts({"protocol": results["protocol"], **provenance}),
    )


def write_trials(
    path: Path, of_methods: Mapping[str, Mapping[str, Any]], provenance: Mapping
) -> None:
    """Write the page of `trial_results.results` of each of some methods."""
    sections = []
    for name, results in of_methods.items():
        header, body = trial_results.cells(results)
        sections.append(
            {
                "name": name,
                "caption": trial_results.caption(results),
                "figure": figures.trials(results),
                "header": header,
                "body": body,
            }
        )
    protocols = {name: results["protocol"] for name, results in of_methods.items()}
    _write(
        path,
        "trials.html.jinja",
        sections=sections,
        meanings=_meanings(of_methods),
        facts=_facts({**protocols, **provenance}),
    )


def write_offline(
    path: Path, results: Mapping[str, Any], provenance: Mapping[str, Any]
) -> None:
    """Write the report of `offline.results`."""
    _write(
        path,
        "offline.html.jinja",
        protocol=results["protocol"],
        methods=results["methods"],
        meanings=_meanings(results["methods"]),
        facts=_facts(provenance),
    )


def _write(path: Path, template: str, **values) -> None:
    """Render a template and its variables to a file, atomically."""
    path = pathlib.Path(path)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent / "page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": table.percent,
        "points": table.points,
        "probability": table.probability,
        "label": methods_lib.label,
        "colour": methods_lib.colour,
        "picture": _picture,
        "mean": lambda found: offline.text(found or None),
        "method_name": offline.name_of,
        "episodes": _episodes,
        "svg": markupsafe.Markup,  # our own markup, escaped where it is made
    }
    environment.tests["not_told_apart"] = table.not_told_apart
    text = environment.get_template(template).render(**values)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_durably(path, text.encode())


def _meanings(methods) -> dict[str, str]:
    """Return the descriptions of those of some methods that are known."""
    found = {name: methods_lib.description(name) for name in methods}
    return {name: words for name, words in found.items() if words is not None}


def _episodes(selection: Mapping[str, str]) -> str:
    """Return the address of selected episodes of the evaluation in the viewer."""
    query = {"dataset": fields.WTL_EVALUATIONS, **selection}
    return f"{address.URL}#{urllib.parse.urlencode(query)}"


def _picture(svg: str, words: str) -> markupsafe.Markup:
    """Return an SVG document as an image, isolated from the styles of the page."""
    data = base64.b64encode(svg.encode()).decode()
    image = '<img class="chart" alt="{}" src="data:image/svg+xml;base64,{}">'
    return markupsafe.Markup(image).format(words, data)


def _facts(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Return nested values as pairs of a dotted name and text."""
    if not isinstance(value, Mapping):
        if isinstance(value, (list, tuple)):
            value = "\n".join(map(str, value))
        return [(prefix, str(value))]
    return [
        fact
        for name, part in value.items()
        for fact in _facts(part, f"{prefix}.{name}" if prefix else str(name))
    ]
