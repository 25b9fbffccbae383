"""Figures of results, drawn by matplotlib as SVG."""

import functools
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from wtl.evaluation.learning_curve import Curve
from wtl.evaluation.table import percent
from wtl.policies.methods import (
    RETRIAL,
    SHIFT,
    TRIAL,
    colour,
    colours,
    in_order,
    label,
)
from wtl.policies.methods.palette import BLUE, FREE

_INK = "#767676"  # to be read on white paper and on black
_COLUMNS = 3
_STYLE = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "wtl",  # the same figure is the same bytes
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _INK,
    "grid.alpha": 0.25,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}
_POINTS = 120
# Conditions that differ by how they use a trial.
_OF_TRIALS = tuple(
    f"{name}{where}" for name in (TRIAL, RETRIAL, SHIFT) for where in ("", "_new_scene")
)
_SCALARS = {
    "target_accuracy": "Selected the right target (share)",
    "target": "Selection of target (cross-entropy)",
    "imitation": "Imitation (negative log-likelihood)",
    "attention": "Attention to the entity (cross-entropy)",
    "total": "Total loss",
}
_SHOWN = {"1": 0.35, "2": 0.55, "5": 0.75, "10": 1.0}  # opacity by trial
_TICKS = (0, 10, 50, 100, 200, 500, 1000, 2000, 3000, 5000, 10_000)


def _as_svg(draw: Callable[..., Figure | None]) -> Callable[..., str | None]:
    """Make a function return the figure that it draws as an SVG document."""

    @functools.wraps(draw)
    def styled(*arguments):
        with matplotlib.rc_context(_STYLE):
            figure = draw(*arguments)
            if figure is None:
                return None
            file = io.StringIO()
            about = {"Date": None, "Title": figure.get_label()}
            figure.savefig(file, format="svg", metadata=about)
            return file.getvalue()

    return styled


def _new(title: str, width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches."""
    return Figure(figsize=(width, height), layout="constrained", label=title)


def _panels(
    title: str, count: int, row: float, margin: float = 0, **settings
) -> tuple[Figure, Sequence[Axes]]:
    """Return a figure and its panels, in rows of three of a height in inches."""
    rows = -(-count // _COLUMNS)
    figure = _new(title, 10, margin + row * rows)
    columns = min(_COLUMNS, count)
    grid = figure.subplots(rows, columns, squeeze=False, **settings).ravel()
    for axes in grid[count:]:
        axes.remove()
    return figure, grid[:count]


def _interval(axes: Axes, place: int, value: float, ci95: Sequence[float], colour: str):
    """Draw a dot over the bar of its interval, at a height of `place`."""
    bar = {"lw": 5, "alpha": 0.4, "solid_capstyle": "butt"}
    axes.plot(ci95, [place] * 2, color=colour, **bar)
    axes.plot(value, place, "o", color=colour)


def _name_rows(axes: Axes, names: Sequence[str]):
    """Name the heights 0, 1, … from above."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _band(axes: Axes, x: Sequence, y: Sequence, ci95: Sequence, colour: str, **line):
    """Draw a line in the band of its intervals."""
    axes.fill_between(x, *zip(*ci95), color=colour, alpha=0.15, lw=0)
    axes.plot(x, y, color=colour, **line)


def _of_success(axes: Axes, direction: str = "y"):
    """Scale an axis for success rates from 0 to 1."""
    axis = axes.yaxis if direction == "y" else axes.xaxis
    axes.set(**{f"{direction}lim": (-0.02, 1.02), f"{direction}ticks": (0, 0.5, 1)})
    axis.set_major_formatter(PercentFormatter(1))


@_as_svg
def success(methods: Mapping[str, Any]) -> Figure:
    """Draw a panel for all families together, and one for each."""
    return _by_group("Success by family", methods, "families", "all families", "{}")


@_as_svg
def open_targets(methods: Mapping[str, Any]) -> Figure | None:
    """Draw a panel for each number of targets left open; None without any."""
    shown = [n for n in methods if n.rpartition("/")[2] in _OF_TRIALS]
    chosen = {n: methods[n] for n in shown if "open_targets" in methods[n]}
    title = "Success by number of targets left open"
    if not chosen:
        return None
    return _by_group(title, chosen, "open_targets", "all scenes", "{} open")


def _by_group(
    title: str, methods: Mapping[str, Any], groups: str, all_of: str, each: str
) -> Figure:
    """Draw a panel for all scenes, and one for each group of a kind.

    The dot is the rate, the bar its interval, the upright tick the oracle bound.
    """
    names = in_order(methods)
    found = dict.fromkeys(g for name in names for g in methods[name].get(groups, ()))
    panels = [None, *found]
    row = 0.7 + 0.22 * len(names)
    drawn, grid = _panels(title, len(panels), row, sharey=True)
    for axes, group in zip(grid, panels):
        axes.set_title(each.format(group) if group else all_of)
        for place, name in enumerate(names):
            rate, bound = _rate(methods[name], groups, group)
            if rate is None or rate["success"] is None:
                continue
            _interval(axes, place, rate["success"], rate["ci95"], colour(name))
            if bound is not None:
                axes.plot(bound, place, "|", color=_INK, ms=12, mew=1.6)
            at = {"transform": axes.get_yaxis_transform(), "ha": "right"}
            axes.text(1.18, place, percent(rate["success"]), va="center", **at)
        _of_success(axes, "x")
        axes.grid(axis="y", visible=False)
    _name_rows(grid[0], [label(name) for name in names])
    return drawn


def _rate(method: Mapping[str, Any], groups: str, group: str | None):
    if group is None:
        return method["overall"], method.get("ceiling")
    bound = method.get("ceilings", {}).get(groups, {}).get(group)
    return method.get(groups, {}).get(group), bound


@_as_svg
def ablations(results: Mapping[str, Any]) -> Figure:
    """Draw `ablations.json`: differences from the base in points, the worst above."""
    found = [entry for entry in results["ablations"] if entry["difference"]]
    found.sort(key=lambda entry: entry["difference"]["difference"])
    drawn = _new("Differences from the base", 8, 0.8 + 0.21 * len(found))
    axes = drawn.subplots()
    for place, entry in enumerate(found):
        difference = entry["difference"]
        ci95 = [100 * bound for bound in difference["ci95"]]
        points = 100 * difference["difference"]
        _interval(axes, place, points, ci95, colour(entry["arm"]))
    axes.axvline(0, color=_INK, lw=1)
    _name_rows(axes, [f"{e['label']}: {label(e['arm'])}" for e in found])
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("success, points from the base")
    return drawn


@_as_svg
def profiles(methods: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Draw the share of tasks with a success of at least tau, a line for each method.

    The points, by method, have `tau`, `value` and `ci95`.
    """
    colour_of = colours(methods)
    drawn = _new("Performance profiles", 7, 3.4)
    axes = drawn.subplots()
    for method, points in methods.items():
        columns = ([point[key] for point in points] for key in ("tau", "value", "ci95"))
        line = {"label": label(method), "marker": "o", "ms": 3}
        _band(axes, *columns, colour_of[method], **line)
    _of_success(axes)
    _of_success(axes, "x")
    axes.set(xlabel="success in a task, at least", ylabel="share of tasks")
    drawn.legend(loc="outside right upper")
    return drawn


@_as_svg
def training(curves: Mapping[str, Curve]) -> Figure | None:
    """Draw a panel for each logged scalar with a line for each method; None without."""
    panels = {name: _lines(curves, name) for name in _SCALARS}
    panels = {name: lines for name, lines in panels.items() if lines}
    if not panels:
        return None
    colour_of = colours(curves)
    drawn, grid = _panels("Learning curves", len(panels), 2.2, margin=0.5)
    shown = {}
    for axes, (name, lines) in zip(grid, panels.items()):
        axes.set(title=_SCALARS[name], xlabel="steps", ylim=_limits(lines))
        for method, line in lines.items():
            (shown[method],) = axes.plot(*line.T, color=colour_of[method])
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


@_as_svg
def trials(results: Mapping[str, Any]) -> Figure:
    """Draw success by trial with its oracle bound, and success over training.

    Where trials miss a target by a distance, it is drawn by trial and family, too.
    """
    protocol, by_number = results["protocol"], results["trials"]
    title = f"{label(protocol['method'])}, {protocol['world']}: success by trial"
    misses = "error_cm" in by_number["1"]
    drawn = _new(title, 9 + 4 * misses, 3)
    by_trial, over_steps, *of_errors = drawn.subplots(1, 2 + misses)
    bound = {int(n): s for n, s in results["ceiling"].items() if s is not None}
    if bound:
        line = {"color": _INK, "label": "oracle bound"}
        by_trial.plot(*zip(*bound.items()), "--", **line)
        by_trial.legend(loc="upper left")
    numbers = list(map(int, by_number))
    low, high = zip(*(found["ci95"] for found in by_number.values()))
    by_trial.vlines(numbers, low, high, color=BLUE, lw=4, alpha=0.4)
    rates = [found["success"] for found in by_number.values()]
    by_trial.plot(numbers, rates, "o-", color=BLUE)
    by_trial.set(title="Held-out tasks", xlabel="trial", xticks=numbers)
    curve = results["curve"]
    steps = [point["env_steps"] for point in curve]
    for number, alpha in _SHOWN.items():
        if number in curve[-1]["trials"]:
            line = [point["trials"][number]["success"] for point in curve]
            words = {"label": f"trial {number}", "alpha": alpha}
            over_steps.plot(steps, line, color=BLUE, **words)
    over_steps.set(title="Validation tasks", xlabel="environment steps of training")
    over_steps.legend()
    for axes in (by_trial, over_steps):
        _of_success(axes)
    for axes in of_errors:
        for line, (family, found) in zip(
            FREE, results["families"].items(), strict=False
        ):
            errors = [each["error_cm"] for each in found.values()]
            columns = ([each[key] for each in errors] for key in ("mean", "ci95"))
            _band(axes, numbers, *columns, line, label=family)
        axes.set(title="Distance to the target, cm", xlabel="trial", xticks=numbers)
        axes.set_ylim(bottom=0)
        axes.legend()
    return drawn


@_as_svg
def trials_needed(curves: Mapping[str, Any]) -> Figure:
    """Draw `curves.json`: a line with its band per condition, and the references.

    The axis of trials is scaled by the square root, so that both the first ten and the
    last thousand are visible.
    """
    last = curves["protocol"]["trials"]
    colour_of = colours((*curves["reference"], *curves["arms"]))
    drawn = _new("Success by number of trials", 9, 4)
    axes = drawn.subplots()
    for name, found in curves["reference"].items():
        line = {"label": label(name), "linestyle": "--", "color": colour_of[name]}
        axes.axhline(found["success"][0], **line)
    for name, found in curves["arms"].items():
        columns = found["trials"], found["success"], found["ci95"]
        _band(axes, *columns, colour_of[name], label=label(name))
    axes.set_xscale("function", functions=(np.sqrt, np.square))
    ticks = [tick for tick in _TICKS if tick <= last]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.set(xlim=(0, last), xlabel="trials of the task")
    _of_success(axes)
    drawn.legend(loc="outside right upper")
    return drawn


def _adapts(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the sizes of an adaptation by step; none if nothing adapts."""
    points = found["adaptation"]
    return points if any(point["mean"] for point in points) else []


@_as_svg
def adaptation(results: Mapping[str, Any]) -> Figure:
    """Draw rewards and adaptations since the fault, returns and errors."""
    protocol, methods = results["protocol"], results["methods"]
    colour_of = colours(methods)
    drawn = _new(f"{protocol['world']}: adaptation to a fault", 13, 3.4)
    since, sizes, ratios, errors = drawn.subplots(1, 4, width_ratios=(3, 3, 2, 2))
    for name, found in methods.items():
        for axes, points in ((since, found["since_fault"]), (sizes, _adapts(found))):
            if points:
                keys = ("step", "mean", "ci95")
                columns = ([point[key] for point in points] for key in keys)
                _band(axes, *columns, colour_of[name], label=label(name))
    since.set(title="Reward", xlabel="steps since the fault")
    sizes.set(title="Size of the adaptation", xlabel="steps since the fault")
    for place, (name, found) in enumerate(methods.items()):
        ratio, error = found["return"]["ratio"], found["model_error"]
        if ratio:
            at = place, ratio["ratio"], ratio["ci95"]
            _interval(ratios, *at, colour_of[name])
        if error:
            values = [error[key]["mean"] for key in ("before", "after")]
            errors.plot(values, [place] * 2, color=colour_of[name])
            errors.plot(values[1], place, "o", color=colour_of[name])
    ratios.axvline(1, color=_INK, lw=1)
    ratios.set_title("Return, as a ratio")
    errors.set_title("Model error, adapted: dot")
    names = [label(name) for name in methods]
    _name_rows(ratios, names)
    _name_rows(errors, [""] * len(names))
    return drawn
