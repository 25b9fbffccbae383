"""Style and parts of all figures, and their export to SVG."""

import functools
import io
from collections.abc import Callable, Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

INK = "#767676"  # to be read on white paper and on black
_COLUMNS = 3
_STYLE = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "wtl",  # the same figure is the same bytes
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": INK,
    "grid.alpha": 0.25,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


def as_svg(draw: Callable[..., Figure | None]) -> Callable[..., str | None]:
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


def new(title: str, width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches."""
    return Figure(figsize=(width, height), layout="constrained", label=title)


def panels(
    title: str, count: int, row: float, margin: float = 0, **settings
) -> tuple[Figure, Sequence[Axes]]:
    """Return a figure and its panels, in rows of three of a height in inches."""
    rows = -(-count // _COLUMNS)
    figure = new(title, 10, margin + row * rows)
    columns = min(_COLUMNS, count)
    grid = figure.subplots(rows, columns, squeeze=False, **settings).ravel()
    for axes in grid[count:]:
        axes.remove()
    return figure, grid[:count]


def interval(axes: Axes, place: int, value: float, ci95: Sequence[float], colour: str):
    """Draw a dot over the bar of its interval, at a height of `place`."""
    bar = {"lw": 5, "alpha": 0.4, "solid_capstyle": "butt"}
    axes.plot(ci95, [place] * 2, color=colour, **bar)
    axes.plot(value, place, "o", color=colour)


def name_rows(axes: Axes, names: Sequence[str]):
    """Name the heights 0, 1, … from above."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)


def band(axes: Axes, x: Sequence, y: Sequence, ci95: Sequence, colour: str, **line):
    """Draw a line in the band of its intervals."""
    axes.fill_between(x, *zip(*ci95), color=colour, alpha=0.15, lw=0)
    axes.plot(x, y, color=colour, **line)


def of_success(axes: Axes, direction: str = "y"):
    """Scale an axis for success rates from 0 to 1."""
    axis = axes.yaxis if direction == "y" else axes.xaxis
    axes.set(**{f"{direction}lim": (-0.02, 1.02), f"{direction}ticks": (0, 0.5, 1)})
    axis.set_major_formatter(PercentFormatter(1))
