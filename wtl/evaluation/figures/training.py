"""Scalars logged in training, over its steps."""

from collections.abc import Mapping, Sequence

import numpy as np

from wtl.evaluation.figures import drawing
from wtl.evaluation.learning_curve import Curve
from wtl.policies import methods as methods_lib
from wtl.policies.methods import label

_POINTS = 120
_COLUMNS = 3
_SCALARS = {
    "target_accuracy": "Selected the right target (share)",
    "target": "Selection of target (cross-entropy)",
    "imitation": "Imitation (negative log-likelihood)",
    "attention": "Attention to the entity (cross-entropy)",
    "total": "Total loss",
}


def figure(curves: Mapping[str, Curve]) -> str | None:
    """Draw a panel for each scalar with a line for each method.

    Args:
      curves: by method.

    Returns:
      SVG, or None if nothing was logged.
    """
    panels = {name: _lines(curves, name) for name in _SCALARS}
    panels = {name: lines for name, lines in panels.items() if lines}
    if not panels:
        return None
    rows = -(-len(panels) // _COLUMNS)
    columns = min(_COLUMNS, len(panels))
    colours = methods_lib.colours(curves)
    with drawing.style():
        drawn = drawing.new(10, 0.5 + 2.2 * rows)
        grid = drawn.subplots(rows, columns, squeeze=False).ravel()
        shown = {}
        for axes, (name, lines) in zip(grid, panels.items()):
            axes.set(title=_SCALARS[name], xlabel="steps", ylim=_limits(lines))
            for method, line in lines.items():
                (shown[method],) = axes.plot(*line.T, color=colours[method])
        for axes in grid[len(panels) :]:
            axes.remove()
        names = [label(method) for method in shown]
        drawn.legend(shown.values(), names, loc="outside lower center", ncols=6)
        return drawing.svg(drawn, "Learning curves")


def _lines(curves: Mapping[str, Curve], name: str) -> dict[str, np.ndarray]:
    lines = {
        method: _binned([(step, v[name]) for step, v in curve if name in v])
        for method, curve in curves.items()
    }
    return {method: line for method, line in lines.items() if len(line)}


def _binned(points: Sequence[tuple[int, float]]) -> np.ndarray:
    """Return [B, 2] means of consecutive points, without infinite ones."""
    array = np.array(points, np.float64).reshape(-1, 2)
    array = array[np.isfinite(array).all(axis=1)]
    if len(array) <= _POINTS:
        return array
    return np.stack([part.mean(axis=0) for part in np.array_split(array, _POINTS)])


def _limits(lines: Mapping[str, np.ndarray]) -> tuple[float, float]:
    # The outliers of the first steps would flatten the rest.
    values = np.concatenate([line[:, 1] for line in lines.values()])
    low, high = np.percentile(values, (0, 97))
    margin = 0.05 * max(high - low, 1e-9)
    return low - margin, high + margin
