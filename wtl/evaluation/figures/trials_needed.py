"""Reinforcement learning of one task at a time: success over its trials."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from wtl.evaluation.figures import drawing
from wtl.policies import methods as methods_lib
from wtl.policies.methods import label

_TICKS = (0, 10, 50, 100, 200, 500, 1000, 2000, 3000, 5000, 10_000)


def figure(curves: Mapping[str, Any]) -> str:
    """Draw a line with its band per condition, and a horizontal one per reference.

    The axis of trials is scaled by the square root, so that both the first ten and the
    last thousand are visible.

    Args:
      curves: contents of `curves.json` of `wtl reinforce`.
    """
    last = curves["protocol"]["trials"]
    colours = methods_lib.colours((*curves["reference"], *curves["arms"]))
    with drawing.style():
        drawn = drawing.new(9, 4)
        axes = drawn.subplots()
        for name, found in curves["reference"].items():
            words = {"label": label(name), "linestyle": "--"}
            axes.axhline(found["success"][0], color=colours[name], **words)
        for name, found in curves["arms"].items():
            colour, trials = colours[name], found["trials"]
            low, high = zip(*found["ci95"])
            axes.fill_between(trials, low, high, color=colour, alpha=0.13, lw=0)
            axes.plot(trials, found["success"], color=colour, label=label(name))
        axes.set_xscale("function", functions=(np.sqrt, np.square))
        ticks = [tick for tick in _TICKS if tick <= last]
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.set(xlim=(0, last), xlabel="trials of the task")
        drawing.of_success(axes)
        drawn.legend(loc="outside right upper")
        return drawing.svg(drawn, "Success by number of trials")
