"""Performance profiles."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from wtl.evaluation.figures import drawing
from wtl.policies.methods import colours, label


@drawing.as_svg
def figure(profiles: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Draw the share of tasks with a success of at least tau, a line for each method.

    Args:
      profiles: by method, `tau`, `value` and `ci95` of each point.
    """
    colour = colours(profiles)
    drawn = drawing.new("Performance profiles", 7, 3.4)
    axes = drawn.subplots()
    for method, points in profiles.items():
        columns = ([point[key] for point in points] for key in ("tau", "value", "ci95"))
        line = {"label": label(method), "marker": "o", "ms": 3}
        drawing.band(axes, *columns, colour[method], **line)
    drawing.of_success(axes)
    drawing.of_success(axes, "x")
    axes.set(xlabel="success in a task, at least", ylabel="share of tasks")
    drawn.legend(loc="outside right upper")
    return drawn
