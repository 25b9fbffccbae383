"""The figure of `benchmarks.growth`: time and memory over size, on logarithmic axes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from wtl.evaluation import svg

if TYPE_CHECKING:
    from benchmarks.growth import Growth

_WIDTH, _HEIGHT = 300, 240  # pixels of a panel
_BOX = np.array([[52.0, 30.0], [_WIDTH - 70.0, _HEIGHT - 36.0]])
_HUES = (210, 30, 130, 350, 270, 50)
_STYLE = """
svg { background: #fbfaf8; font: 11px system-ui, sans-serif; }
text { fill: #1d1d22; } .grid { stroke: #dedbd4; }
.linear { stroke: #73737d; stroke-dasharray: 4 3; }
polyline { fill: none; stroke-width: 2; }
"""


def figure(grown: Sequence["Growth"]) -> str:
    """An SVG that stands alone: a column for each axis, time above memory."""
    axes = list(dict.fromkeys(each.axis for each in grown))
    stages = list(dict.fromkeys(each.stage for each in grown))
    panels = []
    for row, (quantity, unit) in enumerate((("seconds", 1.0), ("bytes", 2**20))):
        for column, axis in enumerate(axes):
            chosen = [each for each in grown if each.axis == axis]
            lines = {
                each.stage: np.maximum(getattr(each, quantity), 1e-12) / unit
                for each in chosen
            }
            words = f"{'CPU seconds' if unit == 1 else 'MiB'} over {axis}"
            panel = _panel(words, np.array(chosen[0].sizes, float), lines, stages)
            shift = svg.translate((column * _WIDTH, row * _HEIGHT))
            panels.append(svg.element("g", panel, transform=shift))
    return svg.element(
        "svg",
        svg.element("title", "Time and memory over size; dashed: linear"),
        svg.element("style", _STYLE),
        *panels,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {len(axes) * _WIDTH} {2 * _HEIGHT}",
        role="img",
    )


def _panel(title: str, sizes: np.ndarray, lines, stages: Sequence[str]) -> str:
    everything = np.concatenate(list(lines.values()))
    x = np.log10([sizes[0], sizes[-1]])
    low = np.log10(max(everything.min(), everything.max() / 1e5))
    y = np.array([low, max(np.log10(everything.max()), low + 0.5)])

    def place(across, up) -> np.ndarray:
        right = (np.log10(across) - x[0]) / np.ptp(x)
        share = np.stack([right, 1 - (np.log10(up) - y[0]) / np.ptp(y)], axis=-1)
        return _BOX[0] + np.clip(share, 0, 1) * (_BOX[1] - _BOX[0])

    parts = [_words((_BOX[0, 0], _BOX[0, 1] - 14), title)]
    for exponent in range(int(np.ceil(y[0])), int(np.floor(y[1])) + 1):
        (left, at), (right, _) = place(sizes[[0, -1]], np.full(2, 10.0**exponent))
        ends = {"x1": left, "x2": right, "y1": at, "y2": at}
        parts.append(svg.element("line", **ends, class_="grid"))
        parts.append(_words((left - 5, at + 4), f"{10.0**exponent:g}", "end"))
    for size, anchor in ((sizes[0], "start"), (sizes[-1], "end")):
        across = place(size, 10.0 ** y[0])[0]
        parts.append(_words((across, _BOX[1, 1] + 18), f"{size:,.0f}", anchor))
    # Growth in proportion, from the top right corner down.
    steps = min(np.ptp(x), np.ptp(y))
    ends = 10.0 ** np.array([[x[1] - steps, y[1] - steps], [x[1], y[1]]])
    (x1, y1), (x2, y2) = place(ends[:, 0], ends[:, 1])
    parts.append(svg.element("line", x1=x1, x2=x2, y1=y1, y2=y2, class_="linear"))
    lowest = -np.inf
    for stage, values in sorted(lines.items(), key=lambda item: -item[1][-1]):
        line = place(sizes, values)
        colour = f"hsl({_HUES[stages.index(stage)]} 70% 38%)"
        parts.append(svg.element("polyline", points=svg.points(line), stroke=colour))
        # Names at the ends of their lines, one below the other.
        lowest = max(line[-1, 1] + 4, lowest + 12)
        parts.append(_words((_BOX[1, 0] + 6, lowest), stage))
    return "".join(parts)


def _words(xy: Sequence[float], words: str, anchor: str | None = None) -> str:
    x, y = (float(value) for value in xy)
    return svg.element("text", svg.text(words), x=x, y=y, text_anchor=anchor)
