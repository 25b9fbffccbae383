"""Gain or loss of each ablation."""

from collections.abc import Mapping
from typing import Any

from wtl.evaluation.figures import drawing
from wtl.policies import methods as methods_lib
from wtl.policies.methods import label


def figure(results: Mapping[str, Any]) -> str:
    """Draw differences from the base in points, the worst above.

    Args:
      results: contents of `ablations.json` of `wtl ablate`.
    """
    found = [entry for entry in results["ablations"] if entry["difference"]]
    found.sort(key=lambda entry: entry["difference"]["difference"])
    with drawing.style():
        drawn = drawing.new(8, 0.8 + 0.21 * len(found))
        axes = drawn.subplots()
        for place, entry in enumerate(found):
            difference = entry["difference"]
            colour = methods_lib.colour(entry["arm"])
            interval = [100 * bound for bound in difference["ci95"]]
            axes.plot(interval, [place] * 2, color=colour, **drawing.INTERVAL)
            axes.plot(100 * difference["difference"], place, "o", color=colour)
        axes.axvline(0, color=drawing.INK, lw=1)
        names = [f"{entry['label']}: {label(entry['arm'])}" for entry in found]
        axes.set_yticks(range(len(found)), names)
        axes.set_ylim(len(found) - 0.4, -0.6)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("success, points from the base")
        return drawing.svg(drawn, "Differences from the base")
