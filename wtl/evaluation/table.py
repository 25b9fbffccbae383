"""The success table, for the terminal and for Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from wtl.evaluation.glossary import in_order, label

_MISSING = "–"
# What may be hidden beside the rule, and is no secret to the agents of ceilings.
SECRETS = {"motor_faults": "the gains of the motors", "puck": "the objects' dynamics"}


def format_table(results: Mapping[str, Any]) -> str:
    """Aligned plain text: a row for each method, then the paired differences."""
    lines = aligned(*_cells(results))
    return "\n".join([_caption(results), "", *lines, "", *_differences(results)])


def markdown_table(results: Mapping[str, Any]) -> str:
    """The same as a Markdown table."""
    lines = markdown(*_cells(results))
    notes = [f"- {line}" for line in _differences(results)]
    return "\n".join([_caption(results), "", *lines, "", *notes]) + "\n"


def aligned(header: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table in plain text, a rule under its header."""
    widths = [max(map(len, column)) for column in zip(header, *body, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (header, ["-" * width for width in widths], *body)
    ]


def markdown(header: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table, the first column flush left."""
    rule = [":--"] + ["--:"] * (len(header) - 1)
    return [f"| {' | '.join(row)} |" for row in (header, rule, *body)]


def _cells(results: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    methods = results["methods"]
    families = list(
        dict.fromkeys(
            name for method in methods.values() for name in method["families"]
        )
    )
    header = ["method", "success [95%]", "ceiling", *families]
    header += ["identity", "position", "conflict", "trial failed", "wrong", "n"]
    body = []
    for name in in_order(methods):
        method = methods[name]
        rates = [method["families"].get(family) for family in families]
        rates += [method["rules"]["identity"], method["rules"]["position"]]
        rates += [method["conflict"], method.get("given_trial_failed")]
        body.append(
            [
                label(name),
                with_interval(method["overall"]),
                percent(method["ceiling"]),
                *(percent(rate and rate["success"]) for rate in rates),
                percent(method["wrong_target"]),
                str(method["overall"]["n"]),
            ]
        )
    return header, body


def percent(share: float | None) -> str:
    """A share as percent, one decimal."""
    return _MISSING if share is None else f"{100 * share:.1f}"


def with_interval(rate: Mapping[str, Any]) -> str:
    """A rate as percent with its interval."""
    if rate["success"] is None:
        return _MISSING
    low, high = rate["ci95"]
    return f"{percent(rate['success'])} [{percent(low)}, {percent(high)}]"


def points(difference: float) -> str:
    """A difference of shares in points, with its sign."""
    return f"{100 * difference:+.1f}".replace("-", "−")


def _caption(results: Mapping[str, Any]) -> str:
    protocol = results["protocol"]
    text = (
        f"Success in percent on {protocol.get('tasks', '?')} held-out tasks "
        f"({protocol.get('split', 'test')}) × {protocol.get('scenes_per_task', '?')} "
        f"scenes; retrial in the {protocol.get('retrial_scene', 'same')} scene"
    )
    seeds = results.get("seeds")
    if seeds and len(seeds) > 1:
        text += f"; means and intervals over tasks and {len(seeds)} training seeds"
    return "\n".join([text, *ceiling_caveat(protocol)])


def ceiling_caveat(protocol: Mapping[str, Any]) -> list[str]:
    """What must be said of the ceilings; nothing where they are exact."""
    known = [SECRETS[name] for name in protocol.get("ceilings_know", ())]
    if not known:
        return []
    return [
        f"Ceilings are of an agent to whom {' and '.join(known)} are no secret: upper "
        "bounds, save for who is told"
    ]


def _differences(results: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, found in results["paired"].items():
        if name == "after_failed_trial":
            second = found["mil_second_try"]
            if found["wtl"]["n"]:
                lines.append(
                    f"Where the trial failed (n = {found['wtl']['n']}): WTL "
                    f"{with_interval(found['wtl'])}, a second try without learning "
                    f"{with_interval(second)}"
                )
            continue
        first, second = (label(part) for part in name.split("_vs_"))
        low, high = found["ci95"]
        lines.append(
            f"{first} − {second}: {points(found['difference'])} points "
            f"[{points(low)}, {points(high)}], p {_probability(found['p'])}"
        )
    return lines


def _probability(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
