"""Performance profiles as inline SVG: how many tasks are done how well."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wtl.evaluation import chart, svg
from wtl.evaluation.glossary import label

_WIDTH, _HEIGHT = 480, 260
_BOX = np.array([[44, 12], [_WIDTH - 12, _HEIGHT - 40]], float)


def profile_panel(profiles: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Share of tasks with a success of at least tau, a line for each method.

    Args:
      profiles: by method, `tau`, `value` and `ci95` of each point.
    """
    parts = [svg.element("title", svg.text("Performance profiles"))]
    for share in (0, 0.25, 0.5, 0.75, 1):
        x, y = _place(share, share)
        ends = {"x1": _BOX[0, 0], "x2": _BOX[1, 0], "y1": y, "y2": y}
        words = f"{share:.0%}"
        parts += [
            svg.element("line", **ends, class_="grid"),
            chart.text(words, x=_BOX[0, 0] - 6, y=y + 4, text_anchor="end", small=True),
            chart.text(words, x=x, y=_BOX[1, 1] + 16, text_anchor="middle", small=True),
        ]
    parts.append(
        chart.text(
            "success in a task, at least",
            x=float(_BOX[:, 0].mean()),
            y=_HEIGHT - 6,
            text_anchor="middle",
            small=True,
        )
    )
    for method, points in profiles.items():
        low, high = (
            [_place(point["tau"], point["ci95"][end]) for point in points]
            for end in (0, 1)
        )
        line = [_place(point["tau"], point["value"]) for point in points]
        said = ", ".join(f"{p['tau']:.0%}: {p['value']:.1%}" for p in points)
        parts.append(
            svg.element(
                "g",
                svg.element("title", svg.text(f"{label(method)}: {said}")),
                svg.element(
                    "polygon",
                    points=svg.points(np.array(low + high[::-1])),
                    class_="band",
                ),
                svg.element(
                    "polyline", points=svg.points(np.array(line)), class_="curve"
                ),
                *(svg.element("circle", cx=x, cy=y, r=3.0) for x, y in line),
                class_=chart.method_class(method),
            )
        )
    return chart.picture(parts, _WIDTH, _HEIGHT)


def _place(tau: float, share: float) -> tuple[float, float]:
    x, y = _BOX[0] + (tau, 1 - share) * (_BOX[1] - _BOX[0])
    return float(x), float(y)
