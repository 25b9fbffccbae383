"""Reinforcement learning of one task at a time: success over its trials."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from wtl.evaluation.figures import drawing
from wtl.policies.methods import colours, label

_TICKS = (0, 10, 50, 100, 200, 500, 1000, 2000, 3000, 5000, 10_000)


@drawing.as_svg
def figure(curves: Mapping[str, Any]) -> Figure:
    """Draw a line with its band per condition, and a horizontal one per reference.

    The axis of trials is scaled by the square root, so that both the first ten and the
    last thousand are visible.

    Args:
      curves: contents of `curves.json` of `wtl reinforce`.
    """
    last = curves["protocol"]["trials"]
    colour = colours((*curves["reference"], *curves["arms"]))
    drawn = drawing.new("Success by number of trials", 9, 4)
    axes = drawn.subplots()
    for name, found in curves["reference"].items():
        line = {"label": label(name), "linestyle": "--", "color": colour[name]}
        axes.axhline(found["success"][0], **line)
    for name, found in curves["arms"].items():
        columns = found["trials"], found["success"], found["ci95"]
        drawing.band(axes, *columns, colour[name], label=label(name))
    axes.set_xscale("function", functions=(np.sqrt, np.square))
    ticks = [tick for tick in _TICKS if tick <= last]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.set(xlim=(0, last), xlabel="trials of the task")
    drawing.of_success(axes)
    drawn.legend(loc="outside right upper")
    return drawn
