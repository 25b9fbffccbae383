"""Annotations over a scene: paths, marks, title and progress bar."""

import numpy as np

from wtl.collection.drawing import svg

WIDTH, HEIGHT = 220, 298  # pixels, the width of every animation and the greatest height
_INK, _HALO = "#26262b", "#f3efe7"
_TARGET, _WRONG, _SELECTED = "#111111", "#c0182b", "#ffd500"
# Yellow to violet; both ends contrast with the background.
_ORDER = ("#f4b400", "#ee8434", "#dd5a56", "#bd3786", "#8b1aa6", "#4a0a92")


def path(line: np.ndarray) -> str:
    """Return a path of [T, 2] pixels whose colour shows the order, from a circle on."""
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    length = np.concatenate([[0.0], steps.cumsum()])
    # Parts of equal length rather than duration: near the end there is little motion.
    ends = np.searchsorted(length, np.linspace(0, length[-1], len(_ORDER) + 1))
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
    """Return the dotted path of an entity, [T, 2] pixels."""
    return _outlined(
        "polyline",
        (colour, 2),
        ("#fff", 3.6),
        points=svg.points(line),
        stroke_dasharray="1 3.5",
        stroke_linecap="round",
    )


def _outlined(name: str, line, halo, **attributes) -> str:
    """Return a line over a broader one; each is given by colour and width."""
    return "".join(
        svg.element(name, **attributes, fill="none", stroke=colour, stroke_width=width)
        for colour, width in (halo, line)
    )


# Marks of the target, of another entity that was acted on, of the target that a policy
# selects, and of an entity that a network localises.
RING = _outlined("circle", (_TARGET, 2), ("#fff", 4.5), r=16.5) + svg.element(
    "path", d="M-5 22h10l-5-7z", fill=_TARGET, stroke="#fff"
)
CROSS = _outlined("path", (_WRONG, 3), ("#fff", 6), d="M-14-14 14 14M14-14-14 14")
_CORNERS = "M-12-6v-6h6M6-12h6v6M12 6v6h-6M-6 12h-6v-6"
RETICLE = _outlined("path", (_SELECTED, 3), (_INK, 5.5), d=_CORNERS)
DOT = svg.element("circle", r=3.2, fill=_SELECTED, stroke=_INK, stroke_width=1.5)
_HEAT, _HEAT_RADIUS, _RINGS = "#e8350c", 30, 6


def heat(weight: float) -> str:
    """Return a glow, the stronger the larger a weight in [0, 1] is."""
    radii = np.linspace(_HEAT_RADIUS, _HEAT_RADIUS / _RINGS, _RINGS)
    opacity = f"{0.3 * weight:.3f}"  # rings lie over each other
    rings = (
        svg.element("circle", r=r, fill=_HEAT, fill_opacity=opacity) for r in radii
    )
    return svg.element("g", *rings)


def label(words: str) -> str:
    """Return a short label in a disc, to the upper right of the origin."""
    disc = svg.element("circle", cx=13, cy=-13, r=8, fill=_INK, stroke="#fff")
    text = {"x": 13, "y": -9, "font_size": 11, "font_weight": 700, "fill": "#fff"}
    return disc + svg.element("text", svg.text(words), text_anchor="middle", **text)


def animation(title: str, clip: svg.Clip | None, height: float, *parts: str) -> str:
    """Return an SVG document with a title and a progress bar.

    The title is for screen readers too; without a clip, the picture is still. The parts
    are markup, from back to front.
    """
    words = svg.element(
        "text",
        svg.text(title),
        x=6,
        y=15,
        font_size=12,
        font_weight=600,
        fill=_INK,
        stroke=_HALO,
        stroke_width=3,
        paint_order="stroke",
    )
    bar = {"y": height - 3, "width": WIDTH, "height": 3, "fill": _ORDER[3]}
    return svg.element(
        "svg",
        svg.element("title", svg.text(title)),
        *parts,
        words if title else "",
        svg.element("rect", clip.change("width", (0, WIDTH)), **bar) if clip else "",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {height}",
        width=WIDTH,
        height=height,
        role="img",
        class_="animation",
        font_family="system-ui,sans-serif",
    )
