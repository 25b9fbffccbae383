"""Camera video of an episode, with the attention of a network, as an animation.

All frames lie in one lossless image of which a window shows one at a time. Unlike
animated images, such videos can be paused, moved in time and synchronised. Marks are
drawn over the window, sharp at any size.
"""

import base64
import dataclasses

import numpy as np

from wtl.collection.drawing import annotation, sheet, svg
from wtl.collection.drawing.annotation import WIDTH

_HEIGHT = WIDTH + 3  # pixels, with the progress bar below the image
_DIMMED = 0.65  # opacity where the attention is zero
# Marks of the legend.
LEGEND = {
    name: svg.element("svg", mark, viewBox="-23 -23 46 46", class_="mark")
    for name, mark in (
        ("target", annotation.RING),
        ("chosen", annotation.RETICLE),
        ("found", annotation.DOT),
    )
}


@dataclasses.dataclass(frozen=True, eq=False)
class Gaze:
    """Attention of a network.

    Attributes:
      point: [T, Q, 2] image coordinates in [-1, 1] where it localises entities.
      heat: [T, h, w] shares of its attention.
      selected: index of the entity that it selects as target; None if unknown.
    """

    point: np.ndarray
    heat: np.ndarray
    selected: int | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class CameraVideo:
    """Images of one camera in an episode.

    Attributes:
      image: uint8[T, H, W, 3].
      target: [T, 2] image coordinates in [-1, 1] of the target; None if unknown.
      gaze: attention of a network; None if unknown.
    """

    image: np.ndarray
    target: np.ndarray | None = None
    gaze: Gaze | None = None

    def draw(self, title: str, clip: svg.Clip) -> str:
        """Return an SVG that plays the video in an interval."""
        shade, marks = "", []
        if self.target is not None:
            marks.append(_moving(annotation.RING, self.target, clip))
        if self.gaze is not None:
            shade = _window(_shade(self.gaze.heat), clip)
            for i, point in enumerate(self.gaze.point.swapaxes(0, 1)):
                selected = i == self.gaze.selected
                mark = annotation.RETICLE if selected else annotation.DOT
                marks.append(_moving(mark, point, clip))
        return annotation.animation(
            title,
            clip,
            _HEIGHT,
            _window(self.image, clip, style="image-rendering:pixelated"),
            svg.element("g", shade, class_="heat", visibility="hidden"),
            svg.element("g", *marks, class_="marks"),
        )


def _window(frames: np.ndarray, clip: svg.Clip, **attributes) -> str:
    """Show one of uint8[T, H, W, C] frames at a time."""
    count, height, width = frames.shape[:3]
    columns = min(count, sheet.COLUMNS)
    corner = np.array([divmod(i, columns)[::-1] for i in range(count)])
    encoded = base64.b64encode(sheet.encode(frames, "webp")).decode()
    return svg.element(
        "svg",
        svg.element(
            "image",
            clip.change(
                "transform", -corner * (width, height), step=True, kind="translate"
            ),
            width=columns * width,
            height=-(-count // columns) * height,
            href=f"data:image/webp;base64,{encoded}",
            **attributes,
        ),
        width=WIDTH,
        height=WIDTH,
        viewBox=f"0 0 {width} {height}",
    )


def _shade(heat: np.ndarray) -> np.ndarray:
    """Return uint8[T, h, w, 4] in black, more opaque where there is less attention."""
    share = heat / heat.max(axis=(1, 2), keepdims=True)
    shade = np.zeros((*heat.shape, 4), np.uint8)
    shade[..., 3] = np.round(255 * _DIMMED * (1 - np.sqrt(share)))
    return shade


def _moving(mark: str, point: np.ndarray, clip: svg.Clip) -> str:
    """Return a mark that follows image coordinates [T, 2]."""
    at = (np.clip(point, -1, 1) + 1) / 2 * WIDTH
    return svg.moving("translate", at, clip, mark, step=True)
