"""Charts of the report as inline SVG; their colours come from its style sheet."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wtl.evaluation import svg
from wtl.evaluation.glossary import in_order, label
from wtl.evaluation.learning_curve import Curve
from wtl.evaluation.table import percent, with_interval

_ROW = 21  # pixels
_LETTER = 6.6  # pixels
_LEFT = 132  # pixels before the axis from 0 to 1, where names are short
_AXIS, _AFTER = 150, 42
_CURVE_WIDTH, _CURVE_HEIGHT = 324, 190
_CURVE_BINS = 120


def method_class(method: str) -> str:
    """Class of a method in the style sheet, whatever its name."""
    return "m m-" + re.sub(r"[^a-z0-9_]", "-", method.lower())


def success_panels(methods: Mapping[str, Any]) -> dict[str, str]:
    """A chart of all methods for all families together, and for each."""
    names = in_order(methods)
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
        family or "all families": success_panel(
            family or "all families", list(rates(family))
        )
        for family in (None, *families)
    }


def success_panel(
    name: str, rates: Sequence[tuple[str, Mapping[str, Any] | None, float | None]]
) -> str:
    """A row for each method: rate, interval, and a tick for its ceiling.

    Args:
      name: what the panel is about.
      rates: method, its rate and its ceiling.
    """
    rates = [entry for entry in rates if entry[1] and entry[1]["success"] is not None]
    longest = max((len(label(method)) for method, *_ in rates), default=0)
    left = max(_LEFT, _LETTER * longest)
    height = _ROW * len(rates) + 24
    parts = [svg.element("title", svg.text(f"Success, {name}"))]
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = left + share * _AXIS
        line = {"x1": x, "x2": x, "y1": 2, "y2": height - 18, "class_": "grid"}
        parts.append(svg.element("line", **line))
        if share in (0, 0.5, 1):
            parts.append(
                text(
                    f"{share:.0%}", x=x, y=height - 5, text_anchor="middle", small=True
                )
            )
    for i, (method, rate, ceiling) in enumerate(rates):
        parts.append(_success_row(method, rate, ceiling, left, _ROW * (i + 0.5) + 3))
    return picture(parts, left + _AXIS + _AFTER, height)


def _success_row(
    method: str, rate: Mapping[str, Any], ceiling: float | None, left: float, y: float
) -> str:
    def x(share: float) -> float:
        return left + share * _AXIS

    low, high = rate["ci95"]
    said = f"{label(method)}: {with_interval(rate)} %, n = {rate['n']}"
    tick = ""
    if ceiling is not None:
        said += f", ideal agent {percent(ceiling)} %"
        ends = {"x1": x(ceiling), "x2": x(ceiling), "y1": y - 8, "y2": y + 8}
        tick = svg.element("line", **ends, class_="ceiling")
    return svg.element(
        "g",
        svg.element("title", svg.text(said)),
        text(label(method), x=0, y=y + 4),
        svg.element("line", x1=x(low), x2=x(high), y1=y, y2=y, class_="interval"),
        tick,
        svg.element("circle", cx=x(rate["success"]), cy=y, r=4.5),
        text(percent(rate["success"]), x=x(1) + _AFTER, y=y + 4, text_anchor="end"),
        class_=method_class(method),
    )


def curve_panel(name: str, curves: Mapping[str, Curve]) -> str:
    """A scalar over training steps, a line for each method.

    Args:
      name: of the scalar.
      curves: points by method.
    """
    lines = {
        method: _binned(
            [(step, values[name]) for step, values in curve if name in values]
        )
        for method, curve in curves.items()
    }
    lines = {method: line for method, line in lines.items() if len(line)}
    if not lines:
        return ""
    everything = np.concatenate(list(lines.values()))
    # The first steps are far off and would flatten all the rest.
    low, high = np.percentile(everything[:, 1], (0, 97))
    ticks = _ticks(float(low), float(high))
    low, high = min(ticks[0], low), max(ticks[-1], high)
    last = max(everything[:, 0].max(), 1)
    box = np.array([[40, 12], [_CURVE_WIDTH - 8, _CURVE_HEIGHT - 24]], float)

    def place(line: np.ndarray) -> np.ndarray:
        share = (line - [0, low]) / [last, max(high - low, 1e-9)]
        share = np.clip(share, 0, 1) * [1, -1] + [0, 1]
        return box[0] + share * (box[1] - box[0])

    parts = [svg.element("title", svg.text(f"Learning curve, {name}"))]
    for tick in ticks:
        y = float(place(np.array([0, tick]))[1])
        ends = {"x1": box[0, 0], "x2": box[1, 0], "y1": y, "y2": y}
        parts.append(svg.element("line", **ends, class_="grid"))
        parts.append(text(f"{tick:g}", x=34, y=y + 4, text_anchor="end", small=True))
    for step, anchor in ((0, "start"), (last, "end")):
        x = float(place(np.array([step, low]))[0])
        words = f"{step:,.0f}" + (" steps" if step else "")
        parts.append(
            text(words, x=x, y=_CURVE_HEIGHT - 6, text_anchor=anchor, small=True)
        )
    for method, line in lines.items():
        path = svg.element("polyline", points=svg.points(place(line)), class_="curve")
        title = svg.element("title", svg.text(label(method)))
        parts.append(svg.element("g", title, path, class_=method_class(method)))
    return picture(parts, _CURVE_WIDTH, _CURVE_HEIGHT)


def _binned(points: Sequence[tuple[int, float]]) -> np.ndarray:
    """[B, 2] means of consecutive points; what is not finite is left out."""
    array = np.array(points, np.float64).reshape(-1, 2)
    array = array[np.isfinite(array).all(axis=1)]
    if len(array) <= _CURVE_BINS:
        return array
    return np.stack([part.mean(axis=0) for part in np.array_split(array, _CURVE_BINS)])


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers, some four of them, around a range."""
    raw = max(high - low, 1e-6) / 3
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * f for f in (1, 2, 5, 10) if size * f >= raw)
    first = math.floor(low / step)
    count = math.ceil(high / step) - first
    return [round((first + i) * step, 10) for i in range(count + 1)]


def text(words: str, *, small: bool = False, **attributes) -> str:
    """A label."""
    return svg.element(
        "text", svg.text(words), class_="small" if small else None, **attributes
    )


def picture(parts: Sequence[str], width: float, height: float) -> str:
    """A chart of its parts."""
    return svg.element(
        "svg", *parts, viewBox=f"0 0 {width} {height}", role="img", class_="chart"
    )
