"""Scalars logged in training, over its steps."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from wtl.evaluation.figures import drawing
from wtl.evaluation.learning_curve import Curve
from wtl.policies.methods import colours, label

_POINTS = 120
_SCALARS = {
    "target_accuracy": "Selected the right target (share)",
    "target": "Selection of target (cross-entropy)",
    "imitation": "Imitation (negative log-likelihood)",
    "attention": "Attention to the entity (cross-entropy)",
    "total": "Total loss",
}


@drawing.as_svg
def figure(curves: Mapping[str, Curve]) -> Figure | None:
    """Draw a panel for each scalar with a line for each method.

    Nothing is drawn if nothing was logged.

    Args:
      curves: by method.
    """
    panels = {name: _lines(curves, name) for name in _SCALARS}
    panels = {name: lines for name, lines in panels.items() if lines}
    if not panels:
        return None
    colour = colours(curves)
    drawn, grid = drawing.panels("Learning curves", len(panels), 2.2, margin=0.5)
    shown = {}
    for axes, (name, lines) in zip(grid, panels.items()):
        axes.set(title=_SCALARS[name], xlabel="steps", ylim=_limits(lines))
        for method, line in lines.items():
            (shown[method],) = axes.plot(*line.T, color=colour[method])
    names = [label(method) for method in shown]
    drawn.legend(shown.values(), names, loc="outside lower center", ncols=6)
    return drawn


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
