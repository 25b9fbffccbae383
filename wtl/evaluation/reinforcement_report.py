"""Success by number of trials: a figure, a table, and a page with both."""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2
import markupsafe
import numpy as np

from wtl.evaluation import chart, glossary, svg, table

_TEMPLATE = "reinforcement.html.jinja"
_WIDTH, _HEIGHT = 720, 360  # pixels
_BOX = np.array([[48.0, 14.0], [_WIDTH - 12.0, _HEIGHT - 44.0]])
_TICKS = (0, 10, 50, 100, 200, 500, 1000, 2000, 3000, 5000, 10_000)


def write_report(path: str | os.PathLike, curves: Mapping[str, Any]) -> None:
    """Writes the page at once, never half of it.

    Args:
      path: of the HTML file.
      curves: what `wtl reinforce` writes to `curves.json`.
    """
    path = pathlib.Path(path)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    header, body = _cells(curves)
    text = environment.get_template(_TEMPLATE).render(
        protocol=curves["protocol"],
        figure=markupsafe.Markup(figure(curves)),  # of our own making, escaped there
        header=header,
        body=body,
        key=[
            (chart.method_class(name), glossary.label(name))
            for name in (*curves["reference"], *curves["arms"])
        ],
        meanings=[
            (glossary.label(name), glossary.METHODS[name].meaning)
            for name in (*curves["reference"], *curves["arms"])
        ],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def figure(curves: Mapping[str, Any]) -> str:
    """Success over trials as SVG: a line with its band for each arm.

    The axis of trials is that of their square root, so that both the first ten and the
    last thousand can be seen. What was evaluated without trials of its own, or with
    one, is a line across.
    """
    last = curves["protocol"]["trials"]
    parts = [svg.element("title", "Success by number of trials")]
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = float(_place([0], [share], last)[0, 1])
        ends = {"x1": _BOX[0, 0], "x2": _BOX[1, 0], "y1": y, "y2": y}
        parts.append(svg.element("line", **ends, class_="grid"))
        parts.append(_text(f"{share:.0%}", x=42, y=y + 4, text_anchor="end"))
    for tick in (t for t in _TICKS if t <= last):
        x = float(_place([tick], [0], last)[0, 0])
        parts.append(_text(f"{tick:,}", x=x, y=_HEIGHT - 26, text_anchor="middle"))
    middle = _BOX[:, 0].mean()
    parts.append(
        _text("trials of the task", x=middle, y=_HEIGHT - 8, text_anchor="middle")
    )
    for name, found in curves["reference"].items():
        across = _place([0, last], found["success"] * 2, last)
        parts.append(
            _group(name, found, svg.element("polyline", points=svg.points(across)))
        )
    for name, found in curves["arms"].items():
        low, high = np.array(found["ci95"]).T
        line = _place(found["trials"], found["success"], last)
        band = np.concatenate(
            [
                _place(found["trials"], low, last),
                _place(found["trials"], high, last)[::-1],
            ]
        )
        parts.append(
            _group(
                name,
                found,
                svg.element("polygon", points=svg.points(band), class_="band"),
                svg.element("polyline", points=svg.points(line), class_="learnt"),
            )
        )
    return svg.element(
        "svg", *parts, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img", class_="chart"
    )


def format_table(curves: Mapping[str, Any]) -> str:
    """The table as Markdown, which the terminal shows well too."""
    header, body = _cells(curves)
    rule = [":--"] + ["--:"] * (len(header) - 1)
    protocol = curves["protocol"]
    caption = (
        f"Success in percent on {protocol['tasks']} held-out tasks "
        f"({protocol['split']}) × {protocol['scenes_per_task']} scenes; trials in "
        f"{protocol['scenes']} scenes"
    )
    lines = [f"| {' | '.join(row)} |" for row in (header, rule, *body)]
    return "\n".join([caption, "", *lines])


def _cells(curves: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    last = curves["protocol"]["trials"]
    shown = [n for n in (0, 10, 100, 300, 1000, 3000) if n < last] + [last]
    header = ["method", *(f"{n:,} trials" for n in shown)]
    header += [
        "as good as WTL after",
        "each task after (median)",
        "tasks that get there",
    ]
    body = []
    for name, found in curves["reference"].items():
        rate = {"success": found["success"][0], "ci95": found["ci95"][0]}
        body.append([glossary.label(name), table.with_interval(rate)])
        body[-1] += ["–"] * (len(header) - 2)
    for name, found in curves["arms"].items():
        at = dict(zip(found["trials"], zip(found["success"], found["ci95"])))
        needed = found["needed"]
        body.append(
            [
                glossary.label(name),
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
    """A number of trials with its interval; what is not reached is more than tried."""

    def said(number: int | None) -> str:
        return f"> {budget:,}" if number is None else f"{number:,}"

    low, high = found["ci95"]
    return f"{said(found['trials'])} [{said(low)}, {said(high)}]"


def _place(trials: Sequence[int], success: Sequence[float], last: int) -> np.ndarray:
    """Points [N, 2] of the picture."""
    share = np.stack(
        [np.sqrt(np.asarray(trials) / max(last, 1)), 1 - np.asarray(success)], axis=1
    )
    return _BOX[0] + share * (_BOX[1] - _BOX[0])


def _group(name: str, found: Mapping[str, Any], *parts: str) -> str:
    rate = {"success": found["success"][-1], "ci95": found["ci95"][-1]}
    said = f"{glossary.label(name)}: {table.with_interval(rate)} % in the end"
    return svg.element(
        "g",
        svg.element("title", svg.text(said)),
        *parts,
        class_=chart.method_class(name),
    )


def _text(words: str, **attributes) -> str:
    return svg.element("text", svg.text(words), class_="small", **attributes)
