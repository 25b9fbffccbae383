"""Performance profiles."""

from collections.abc import Mapping, Sequence
from typing import Any

from wtl.evaluation.figures import drawing
from wtl.policies import methods as methods_lib
from wtl.policies.methods import label


def figure(profiles: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Draw the share of tasks with a success of at least tau, a line for each method.

    Args:
      profiles: by method, `tau`, `value` and `ci95` of each point.
    """
    colours = methods_lib.colours(profiles)
    with drawing.style():
        drawn = drawing.new(7, 3.4)
        axes = drawn.subplots()
        for method, points in profiles.items():
            tau = [point["tau"] for point in points]
            low, high = zip(*(point["ci95"] for point in points))
            line = [point["value"] for point in points]
            axes.fill_between(tau, low, high, color=colours[method], alpha=0.15, lw=0)
            axes.plot(tau, line, "o-", ms=3, color=colours[method], label=label(method))
        drawing.of_success(axes)
        drawing.of_success(axes, "x")
        axes.set(xlabel="success in a task, at least", ylabel="share of tasks")
        drawn.legend(loc="outside right upper")
        return drawing.svg(drawn, "Performance profiles")
