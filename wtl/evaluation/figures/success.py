"""Success of each method, in all and by family."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from wtl.evaluation.figures import drawing
from wtl.evaluation.table import percent
from wtl.policies.methods import colour, in_order, label


@drawing.as_svg
def figure(methods: Mapping[str, Any]) -> Figure:
    """Draw a panel for all families together, and one for each.

    The dot is the rate, the bar its interval, the upright tick the oracle bound.

    Args:
      methods: as in the results of an evaluation or a comparison.
    """
    names = in_order(methods)
    families = dict.fromkeys(f for name in names for f in methods[name]["families"])
    panels = [None, *families]
    height = 0.7 + 0.22 * len(names)
    title = "Success by family"
    drawn, grid = drawing.panels(title, len(panels), height, sharey=True)
    for axes, family in zip(grid, panels):
        axes.set_title(family or "all families")
        for place, name in enumerate(names):
            rate, bound = _rate(methods[name], family)
            if rate is None or rate["success"] is None:
                continue
            drawing.interval(axes, place, rate["success"], rate["ci95"], colour(name))
            if bound is not None:
                axes.plot(bound, place, "|", color=drawing.INK, ms=12, mew=1.6)
            at = {"transform": axes.get_yaxis_transform(), "ha": "right"}
            axes.text(1.18, place, percent(rate["success"]), va="center", **at)
        drawing.of_success(axes, "x")
        axes.grid(axis="y", visible=False)
    drawing.name_rows(grid[0], [label(name) for name in names])
    return drawn


def _rate(method: Mapping[str, Any], family: str | None):
    if family is None:
        return method["overall"], method.get("ceiling")
    bound = method.get("ceilings", {}).get("families", {}).get(family)
    return method["families"].get(family), bound
