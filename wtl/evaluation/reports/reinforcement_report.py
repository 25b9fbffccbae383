"""Success by number of trials: a page with the figure, and the table."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from wtl.evaluation import figures, table
from wtl.evaluation.reports import page
from wtl.policies import methods as methods_lib


def write_report(path: str | os.PathLike, curves: Mapping[str, Any]) -> None:
    """Write the page of the contents of `curves.json` of `wtl reinforce`."""
    header, body = _cells(curves)
    page.write(
        path,
        "reinforcement.html.jinja",
        protocol=curves["protocol"],
        figure=figures.trials_needed(curves),
        header=header,
        body=body,
        meanings=page.meanings((*curves["reference"], *curves["arms"])),
    )


def format_table(curves: Mapping[str, Any]) -> str:
    """Return the table as Markdown, which is legible in the terminal too."""
    header, body = _cells(curves)
    protocol = curves["protocol"]
    caption = f"{table.caption(protocol)}; trials in {protocol['scenes']} scenes"
    return "\n".join([caption, "", *table.markdown(header, body)])


def _cells(curves: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    last = curves["protocol"]["trials"]
    shown = [n for n in (0, 10, 100, 300, 1000, 3000) if n < last] + [last]
    header = ["method", *(f"{n:,} trials" for n in shown)]
    header += ["matches WTL after", "each task after (median)", "tasks that match"]
    body = []
    for name, found in curves["reference"].items():
        rate = {"success": found["success"][0], "ci95": found["ci95"][0]}
        body.append([methods_lib.label(name), table.with_interval(rate)])
        body[-1] += ["–"] * (len(header) - 2)
    for name, found in curves["arms"].items():
        at = dict(zip(found["trials"], zip(found["success"], found["ci95"])))
        needed = found["needed"]
        body.append(
            [
                methods_lib.label(name),
                *(_rate(at.get(number)) for number in shown),
                _trials(needed["mean"], needed["budget"]),
                _trials(needed["median"], needed["budget"]),
                f"{100 * needed['median']['matched']:.0f} %",
            ]
        )
    return header, body


def _rate(found: tuple[float, Sequence[float]] | None) -> str:
    if found is None:
        return "–"
    return table.with_interval({"success": found[0], "ci95": found[1]})


def _trials(found: Mapping[str, Any], budget: int) -> str:
    """Return a number of trials with its interval; null is more than the budget."""

    def text(number: int | None) -> str:
        return f"> {budget:,}" if number is None else f"{number:,}"

    low, high = found["ci95"]
    return f"{text(found['trials'])} [{text(low)}, {text(high)}]"
