"""Success of each method, in all and by family."""

from collections.abc import Mapping
from typing import Any

from wtl.evaluation.figures import drawing
from wtl.evaluation.table import percent
from wtl.policies import methods as methods_lib
from wtl.policies.methods import in_order, label

_COLUMNS = 3


def figure(methods: Mapping[str, Any]) -> str:
    """Draw a panel for all families together, and one for each.

    The dot is the rate, the bar its interval, the upright tick the oracle bound.

    Args:
      methods: as in the results of an evaluation or a comparison.
    """
    names = in_order(methods)
    families = list(dict.fromkeys(f for m in names for f in methods[m]["families"]))
    panels = [None, *families]
    rows = -(-len(panels) // _COLUMNS)
    columns = min(_COLUMNS, len(panels))
    with drawing.style():
        drawn = drawing.new(10, rows * (0.7 + 0.22 * len(names)))
        grid = drawn.subplots(rows, columns, sharey=True, squeeze=False).ravel()
        for axes, family in zip(grid, panels):
            axes.set_title(family or "all families")
            for place, name in enumerate(names):
                rate, bound = _rate(methods[name], family)
                if rate is not None and rate["success"] is not None:
                    _row(axes, place, rate, bound, methods_lib.colour(name))
            drawing.of_success(axes, "x")
            axes.grid(axis="y", visible=False)
        for axes in grid[len(panels) :]:
            axes.remove()
        axes = drawn.axes[0]
        axes.set_yticks(range(len(names)), map(label, names))
        axes.set_ylim(len(names) - 0.4, -0.6)
        return drawing.svg(drawn, "Success by family")


def _rate(method: Mapping[str, Any], family: str | None):
    if family is None:
        return method["overall"], method.get("ceiling")
    bound = method.get("ceilings", {}).get("families", {}).get(family)
    return method["families"].get(family), bound


def _row(axes, place: int, rate: Mapping[str, Any], bound: float | None, colour: str):
    axes.plot(rate["ci95"], [place] * 2, color=colour, **drawing.INTERVAL)
    axes.plot(rate["success"], place, "o", color=colour, ms=6)
    if bound is not None:
        axes.plot(bound, place, "|", color=drawing.INK, ms=12, mew=1.6)
    beside = axes.get_yaxis_transform()
    said = percent(rate["success"])
    axes.text(1.18, place, said, transform=beside, ha="right", va="center")
