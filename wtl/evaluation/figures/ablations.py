"""Gain or loss of each ablation."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from wtl.evaluation.figures import drawing
from wtl.policies.methods import colour, label


@drawing.as_svg
def figure(results: Mapping[str, Any]) -> Figure:
    """Draw differences from the base in points, the worst above.

    Args:
      results: contents of `ablations.json` of `wtl ablate`.
    """
    found = [entry for entry in results["ablations"] if entry["difference"]]
    found.sort(key=lambda entry: entry["difference"]["difference"])
    drawn = drawing.new("Differences from the base", 8, 0.8 + 0.21 * len(found))
    axes = drawn.subplots()
    for place, entry in enumerate(found):
        difference = entry["difference"]
        ci95 = [100 * bound for bound in difference["ci95"]]
        points = 100 * difference["difference"]
        drawing.interval(axes, place, points, ci95, colour(entry["arm"]))
    axes.axvline(0, color=drawing.INK, lw=1)
    drawing.name_rows(axes, [f"{e['label']}: {label(e['arm'])}" for e in found])
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("success, points from the base")
    return drawn
