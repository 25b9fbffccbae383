"""What is drawn over a scene: ways gone, marks, title and progress."""

import numpy as np

from wtl.collection.drawing import svg
from wtl.collection.drawing.projection import WIDTH

_INK, _HALO = "#26262b", "#f3efe7"
_TARGET, _WRONG, _CHOSEN = "#111111", "#c0182b", "#ffd500"
# Yellow to violet; both ends stand out from the table.
_ORDER = ("#f4b400", "#ee8434", "#dd5a56", "#bd3786", "#8b1aa6", "#4a0a92")


def path(line: np.ndarray) -> str:
    """The way of the gripper, from a ring on; its colour tells the order.

    Args:
      line: [T, 2] pixels.
    """
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    way = np.concatenate([[0.0], steps.cumsum()])
    # By the way gone rather than by time: at the end the gripper often waits.
    ends = np.searchsorted(way, np.linspace(0, way[-1], len(_ORDER) + 1))
    ends[-1] = len(line) - 1
    parts = [
        svg.element("polyline", points=svg.points(line[a : b + 1]), stroke=colour)
        for a, b, colour in zip(ends, ends[1:], _ORDER)
    ]
    x, y = line[0]
    return svg.element(
        "g",
        *parts,
        svg.element("circle", cx=x, cy=y, r=3.5, fill="#fff", stroke=_ORDER[0]),
        fill="none",
        stroke_width="2.2",
        stroke_linecap="round",
        stroke_linejoin="round",
    )


def trail(line: np.ndarray, colour: str) -> str:
    """The way of an object, dotted.

    Args:
      line: [T, 2] pixels.
      colour: of the dots.
    """
    return "".join(
        svg.element(
            "polyline",
            points=svg.points(line),
            fill="none",
            stroke=stroke,
            stroke_width=width,
            stroke_dasharray="1 3.5",
            stroke_linecap="round",
        )
        for stroke, width in (("#fff", "3.6"), (colour, "2"))
    )


def ring(at: np.ndarray) -> str:
    """Marks the target."""
    circle = {"r": 16.5, "fill": "none"}
    return svg.element(
        "g",
        svg.element("circle", **circle, stroke="#fff", stroke_width=4.5),
        svg.element("circle", **circle, stroke=_TARGET, stroke_width=2),
        svg.element("path", d="M-5 22h10l-5-7z", fill=_TARGET, stroke="#fff"),
        transform=svg.translate(at),
    )


def cross(at: np.ndarray) -> str:
    """Marks what was taken instead."""
    lines = "M-14-14 14 14M14-14-14 14"
    return svg.element(
        "g",
        svg.element("path", d=lines, stroke="#fff", stroke_width=6),
        svg.element("path", d=lines, stroke=_WRONG, stroke_width=3),
        transform=svg.translate(at),
    )


def title(words: str) -> str:
    """Words in the upper left corner."""
    return svg.element(
        "text",
        svg.text(words),
        x=6,
        y=15,
        font_size=12,
        font_weight=600,
        fill=_INK,
        stroke=_HALO,
        stroke_width=3,
        paint_order="stroke",
    )


def reticle() -> str:
    """Marks what a network chose to act on."""
    corners = "M-12-6v-6h6M6-12h6v6M12 6v6h-6M-6 12h-6v-6"
    return svg.element(
        "g",
        svg.element("path", d=corners, stroke=_INK, stroke_width=5.5),
        svg.element("path", d=corners, stroke=_CHOSEN, stroke_width=3),
        fill="none",
    )


def dot() -> str:
    """Marks where a network found something else."""
    return svg.element("circle", r=3.2, fill=_CHOSEN, stroke=_INK, stroke_width=1.5)


def progress(clip: svg.Clip, height: float) -> str:
    """A bar that grows while the clip plays.

    Args:
      clip: when to play.
      height: of the picture, at whose bottom it is.
    """
    return svg.element(
        "rect",
        clip.change("width", (0, WIDTH)),
        y=height - 3,
        width=WIDTH,
        height=3,
        fill=_ORDER[3],
    )
