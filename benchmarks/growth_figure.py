"""The figure of `benchmarks.growth`: time and memory over size, on logarithmic axes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from wtl.evaluation.figures import drawing

if TYPE_CHECKING:
    from benchmarks.growth import Growth


def figure(grown: Sequence["Growth"]) -> str:
    """A column for each axis of growth, time above memory; dashed is linear."""
    axes = list(dict.fromkeys(each.axis for each in grown))
    stages = list(dict.fromkeys(each.stage for each in grown))
    with drawing.style():
        drawn = drawing.new(3.4 * len(axes), 5.6)
        panels = drawn.subplots(2, len(axes), squeeze=False)
        for column, axis in zip(panels.T, axes):
            chosen = [each for each in grown if each.axis == axis]
            seconds = {each.stage: np.array(each.seconds) for each in chosen}
            memory = {each.stage: np.array(each.bytes) / 2**20 for each in chosen}
            sizes = np.array(chosen[0].sizes, float)
            _panel(column[0], f"CPU seconds over {axis}", sizes, seconds, stages)
            _panel(column[1], f"MiB over {axis}", sizes, memory, stages)
        shown = {
            stage: line
            for axes in drawn.axes
            for line, stage in zip(*axes.get_legend_handles_labels())
        }
        drawn.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=6)
        return drawing.svg(drawn, "Time and memory over size; dashed: linear")


def _panel(axes, title: str, sizes: np.ndarray, lines, stages: Sequence[str]):
    axes.set(title=title, xscale="log", yscale="log")
    for stage, values in lines.items():
        colour = f"C{stages.index(stage)}"
        axes.plot(sizes, np.maximum(values, 1e-12), color=colour, label=stage)
    highest = max(values.max() for values in lines.values())
    low = max(min(v.min() for v in lines.values()), highest / 1e5)
    axes.set_ylim(low / 1.5, highest * 1.5)
    # Growth in proportion, from the top right corner down.
    axes.plot(sizes, highest * sizes / sizes[-1], "--", color=drawing.INK, lw=1)
