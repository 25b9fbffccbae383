"""Success table, for the terminal and for Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wtl.policies.methods import (
    RETRIAL,
    SECOND_TRY,
    SHIFT,
    in_new_scene,
    in_order,
    label,
)

Column = tuple[str, Sequence[str]]
_MISSING = "–"
# Hidden variables that oracle bounds assume to be known, by their settings.
_HIDDEN = {"motor_faults": "actuator gains", "puck": "object dynamics"}
# Columns of some worlds only: header, and keys of the number within a method's results.
_BOUND = ("oracle bound", ("ceiling",))
_OF_WORLD = (
    ("conflict", ("conflict", "success")),
    ("trial failed", ("given_trial_failed", "success")),
    ("wrong", ("wrong_target",)),
)


def format_table(results: Mapping[str, Any]) -> str:
    """Return aligned plain text: a row per method, then the paired differences.

    Rates by rule, and those that follow, are left to the report: lines would wrap.
    """
    lines = aligned(*_cells(results))
    return "\n".join([_caption(results), "", *lines, "", *_differences(results)])


def markdown_table(results: Mapping[str, Any]) -> str:
    """Return the same as a Markdown table, with rates by rule."""
    lines = markdown(*_cells(results, is_detailed=True))
    notes = [f"- {line}" for line in _differences(results)]
    return "\n".join([_caption(results), "", *lines, "", *notes]) + "\n"


def aligned(header: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a plain-text table, with a rule under its header."""
    widths = [max(map(len, column)) for column in zip(header, *body, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (header, ["-" * width for width in widths], *body)
    ]


def markdown(header: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table, the first column flush left."""
    rule = [":--"] + ["--:"] * (len(header) - 1)
    return [f"| {' | '.join(row)} |" for row in (header, rule, *body)]


def _cells(
    results: Mapping[str, Any], is_detailed: bool = False
) -> tuple[list[str], list[list[str]]]:
    methods = results["methods"]
    families = dict.fromkeys(name for m in methods.values() for name in m["families"])
    columns = [
        *present([_BOUND], methods),
        *((name, ("families", name, "success")) for name in families),
    ]
    if is_detailed:
        columns += [
            *((name, ("rules", name, "success")) for name in rules_of(methods)),
            *present(_OF_WORLD, methods),
        ]
    elsewhere = {
        name: methods[other]["overall"]
        for name in methods
        if (other := in_new_scene(name)) in methods
    }
    new_scene = ["new scene [95%]"] if elsewhere else []
    header = ["method", "success [95%]", *new_scene, *(t for t, _ in columns), "n"]
    body = [
        [
            label(name),
            with_interval(methods[name]["overall"]),
            *(
                with_interval(elsewhere[name]) if name in elsewhere else _MISSING
                for _ in new_scene
            ),
            *(percent(find(methods[name], keys)) for _, keys in columns),
            str(methods[name]["overall"]["n"]),
        ]
        for name in in_order(methods)
    ]
    return header, body


def present(columns: Iterable[Column], methods: Mapping[str, Any]) -> list[Column]:
    """Return the columns, title and path of keys, that some method has."""
    return [
        (title, keys)
        for title, keys in columns
        if any(keys[0] in method for method in methods.values())
    ]


def rules_of(methods: Mapping[str, Any]) -> list[str]:
    """Return the kinds of rules by which some method has rates."""
    return list(dict.fromkeys(n for m in methods.values() for n in m.get("rules", ())))


def find(found: Any, keys: Sequence[str]) -> Any:
    """Return the value of a path of keys; None if a part of it is missing."""
    for key in keys:
        found = (found or {}).get(key)
    return found


def percent(share: float | None) -> str:
    """Return a share as percent with one decimal."""
    return _MISSING if share is None else f"{100 * share:.1f}"


def with_interval(rate: Mapping[str, Any]) -> str:
    """Return a rate as percent with its interval."""
    if rate["success"] is None:
        return _MISSING
    low, high = rate["ci95"]
    return f"{percent(rate['success'])} [{percent(low)}, {percent(high)}]"


def points(difference: float) -> str:
    """Return a difference of shares in points, with its sign."""
    return f"{100 * difference:+.1f}".replace("-", "−")


def difference_in_points(found: Mapping[str, Any]) -> str:
    """Return a difference of shares with its interval."""
    low, high = map(points, found["ci95"])
    return f"{points(found['difference'])} [{low}, {high}]"


def caption(protocol: Mapping[str, Any]) -> str:
    """Return the beginning of a sentence about a table of success."""
    return (
        f"Success in percent on {protocol.get('tasks', '?')} held-out tasks "
        f"({protocol.get('split', 'test')}) × {protocol.get('scenes_per_task', '?')} "
        "scenes"
    )


def _caption(results: Mapping[str, Any]) -> str:
    protocol = results["protocol"]
    scene = protocol.get("retrial_scene", "same")
    text = f"{caption(protocol)}; retrial in the {scene} scene"
    seeds = results.get("seeds")
    units = "scenes of these tasks" if protocol.get("fixed_tasks") else "tasks"
    if seeds and len(seeds) > 1:
        text += f"; means and intervals over {units} and {len(seeds)} training seeds"
    elif protocol.get("fixed_tasks"):
        text += f"; intervals over {units}"
    return "\n".join([text, *oracle_bound_caveat(protocol)])


def oracle_bound_caveat(protocol: Mapping[str, Any]) -> list[str]:
    """Return a sentence on oracle bounds that are not exact; nothing if they are."""
    known = protocol.get("ceilings_know", ())
    if not known:
        return []
    return [
        f"Oracle bounds assume that {' and '.join(_HIDDEN[name] for name in known)} "
        "are known to the ideal agent: they are upper bounds, except for methods that "
        "are given the task"
    ]


def _differences(results: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, found in results["paired"].items():
        if name != "after_failed_trial":
            first, second = (label(part) for part in name.split("_vs_"))
            low, high = map(points, found["ci95"])
            lines.append(
                f"{first} − {second}: {points(found['difference'])} points "
                f"[{low}, {high}], p {probability(found['p'])}"
                + (", not told apart" if not_told_apart(found) else "")
            )
        elif found[RETRIAL]["n"]:
            lines.append(
                f"Where the trial failed (n = {found[RETRIAL]['n']}): WTL "
                f"{with_interval(found[RETRIAL])}, a second try without learning "
                f"{with_interval(found[SECOND_TRY])}"
                + (
                    f", the next likeliest target {with_interval(found[SHIFT])}"
                    if SHIFT in found
                    else ""
                )
            )
    return lines


def not_told_apart(found: Mapping[str, Any]) -> bool:
    """Return whether the interval of a difference contains 0."""
    low, high = found["ci95"]
    return low <= 0 <= high


def probability(p: float) -> str:
    """Return a p value for a sentence, after `p`."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
