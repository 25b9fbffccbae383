"""The figure of an agent that learns from trials: by trial, and over its training."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wtl.evaluation import svg
from wtl.evaluation.table import percent, with_interval

_WIDTH, _HEIGHT = 360, 230  # pixels of a panel
_BOX = np.array([[40.0, 30.0], [_WIDTH - 64.0, _HEIGHT - 36.0]])
_SHOWN = ("1", "2", "5", "10")  # trials whose training is shown
_STYLE = """
svg { background: #fbfaf8; color: #1d1d22; font: 12px system-ui, sans-serif; }
text { fill: currentColor; } .grid { stroke: #dedbd4; }
.ideal { stroke-dasharray: 4 3; }
polyline, .interval { fill: none; stroke: #0062b3; stroke-width: 2; }
.ideal { stroke: #73737d; } circle { fill: #0062b3; }
@media (prefers-color-scheme: dark) {
  svg { background: #16161a; color: #ececf0; } .grid { stroke: #393942; }
  polyline, .interval { stroke: #62b5ff; } circle { fill: #62b5ff; } }
"""


def figure(results: Mapping[str, Any]) -> str:
    """An SVG of two panels that stands alone.

    Args:
      results: as of `trial_results.results`.
    """
    protocol = results["protocol"]
    by_trial = _by_trial(results["trials"], results["ceiling"])
    over_steps = _over_steps(results["curve"])
    caption = (
        f"{protocol['method']}, {protocol['world']}: success by trial on "
        f"{protocol['tasks']} held-out tasks, and on validation tasks in training"
    )
    return svg.element(
        "svg",
        svg.element("title", svg.text(caption)),
        svg.element("style", _STYLE),
        by_trial,
        svg.element("g", over_steps, transform=svg.translate((_WIDTH, 0))),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {2 * _WIDTH} {_HEIGHT}",
        role="img",
    )


def _by_trial(trials: Mapping[str, Any], ceiling: Mapping[str, Any]) -> str:
    last = max(map(int, trials))

    def place(number: str, share: float) -> np.ndarray:
        return _place((int(number) - 1) / max(last - 1, 1), share)

    parts = [_frame("Success in the n-th trial", "1", str(last))]
    ideal = [place(n, share) for n, share in ceiling.items() if share is not None]
    if ideal:
        line = svg.points(np.array(ideal))
        parts.append(svg.element("polyline", points=line, class_="ideal"))
        parts.append(_words(ideal[-1] + [6, 4], "ideal"))
    reached = np.array([place(n, found["success"]) for n, found in trials.items()])
    parts.append(svg.element("polyline", points=svg.points(reached)))
    for (number, found), (x, y) in zip(trials.items(), reached, strict=True):
        low, high = (place(number, bound)[1] for bound in found["ci95"])
        said = f"trial {number}: {with_interval(found)} %, n = {found['n']}"
        parts.append(
            svg.element(
                "g",
                svg.element("title", svg.text(said)),
                svg.element("line", x1=x, x2=x, y1=low, y2=high, class_="interval"),
                svg.element("circle", cx=x, cy=y, r=3.5),
            )
        )
    return "".join(parts)


def _over_steps(curve: Sequence[Mapping[str, Any]]) -> str:
    last = curve[-1]["env_steps"]
    parts = [_frame("Over environment steps", "0", f"{last:,}")]
    for number in _SHOWN:
        if number not in curve[-1]["trials"]:
            continue
        line = np.array(
            [
                _place(p["env_steps"] / last, p["trials"][number]["success"])
                for p in curve
            ]
        )
        parts.append(svg.element("polyline", points=svg.points(line)))
        parts.append(_words(line[-1] + [6, 4], f"trial {number}"))
    return "".join(parts)


def _frame(title: str, first: str, last: str) -> str:
    (left, top), (right, bottom) = _BOX
    parts = [_words((left, top - 14), title)]
    for share in (0.0, 0.5, 1.0):
        y = _place(0, share)[1]
        parts.append(svg.element("line", x1=left, x2=right, y1=y, y2=y, class_="grid"))
        parts.append(_words((left - 6, y + 4), percent(share)[:-2], "end"))
    parts.append(_words((left, bottom + 20), first))
    parts.append(_words((right, bottom + 20), last, "end"))
    return "".join(parts)


def _place(across: float, share: float) -> np.ndarray:
    return _BOX[0] + np.array([across, 1 - share]) * (_BOX[1] - _BOX[0])


def _words(xy: Sequence[float], words: str, anchor: str | None = None) -> str:
    x, y = (float(value) for value in xy)
    return svg.element("text", svg.text(words), x=x, y=y, text_anchor=anchor)
