"""Style of all figures, and their export to SVG."""

import contextlib
import io

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

INK = "#767676"  # to be read on white paper and on black
INTERVAL = {"lw": 5, "alpha": 0.4, "solid_capstyle": "butt"}  # a bar behind its dot
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


def style() -> contextlib.AbstractContextManager:
    """Return the context in which figures are made and saved."""
    return matplotlib.rc_context(_STYLE)


def new(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches."""
    return Figure(figsize=(width, height), layout="constrained")


def svg(figure: Figure, title: str) -> str:
    """Return the figure as an SVG document."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Title": title})
    return file.getvalue()


def of_success(axes: Axes, direction: str = "y"):
    """Scale an axis for success rates from 0 to 1."""
    axis = axes.yaxis if direction == "y" else axes.xaxis
    axes.set(**{f"{direction}lim": (-0.02, 1.02), f"{direction}ticks": (0, 0.5, 1)})
    axis.set_major_formatter(PercentFormatter(1))
