"""What a camera saw of an episode, and where a network looked, as a moving picture.

All frames lie in one lossless image of which a window shows one at a time, so that
pictures can be stopped, wound and played in step, which animated images can't. The
marks are drawn over it, sharp at any size.
"""

import base64
import dataclasses
import io

import numpy as np
from PIL import Image

from wtl.collection.drawing import annotation, svg
from wtl.collection.drawing.projection import WIDTH

_COLUMNS = 8  # of the sheet; browsers refuse images that are very high or wide
_HEIGHT = WIDTH + 3  # pixels, with the progress below the image
_DIMMED = 0.65  # how much darker it is where nobody looked


def _example(mark: str) -> str:
    return svg.element("svg", mark, viewBox="-23 -23 46 46", class_="mark")


# The marks by what they stand for.
LEGEND = {
    "target": _example(annotation.ring(np.zeros(2))),
    "chosen": _example(annotation.reticle()),
    "found": _example(annotation.dot()),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Gaze:
    """Where a network looked.

    Attributes:
      point: [T, Q, 2] image coordinates in [-1, 1] where it found things.
      heat: [T, h, w] shares of its attention.
      committed: which of the things it chose to act on; None if it did not choose.
    """

    point: np.ndarray
    heat: np.ndarray
    committed: int | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Footage:
    """What a camera saw of an episode.

    Attributes:
      image: uint8[T, H, W, 3].
      target: [T, 2] image coordinates in [-1, 1] of what is meant; None if unknown.
      gaze: where a network looked; None if unknown.
    """

    image: np.ndarray
    target: np.ndarray | None = None
    gaze: Gaze | None = None


def draw(footage: Footage, title: str, clip: svg.Clip) -> str:
    """Returns an SVG that plays an episode.

    Args:
      footage: of the episode.
      title: said in the picture, and to people who can't see it.
      clip: when to play it.
    """
    picture = _window(footage.image, clip, style="image-rendering:pixelated")
    shade, marks = "", []
    if footage.target is not None:
        marks.append(_moving(annotation.ring(np.zeros(2)), footage.target, clip))
    gaze = footage.gaze
    if gaze is not None:
        shade = _window(_shade(gaze.heat), clip)
        for i in range(gaze.point.shape[1]):
            mark = annotation.reticle() if i == gaze.committed else annotation.dot()
            marks.append(_moving(mark, gaze.point[:, i], clip))
    return svg.element(
        "svg",
        svg.element("title", svg.text(title)),
        picture,
        svg.element("g", shade, class_="heat", visibility="hidden"),
        svg.element("g", *marks, class_="marks"),
        annotation.title(title),
        annotation.progress(clip, _HEIGHT),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {_HEIGHT}",
        width=WIDTH,
        height=_HEIGHT,
        role="img",
        class_="film",
        font_family="system-ui,sans-serif",
    )


def _window(frames: np.ndarray, clip: svg.Clip, **attributes) -> str:
    """Shows one of uint8[T, H, W, C] frames at a time."""
    count, height, width = frames.shape[:3]
    sheet = _sheet(frames)
    corner = np.array([divmod(i, _COLUMNS)[::-1] for i in range(count)])
    return svg.element(
        "svg",
        svg.element(
            "image",
            clip.move("translate", -corner * (width, height), step=True),
            width=sheet.shape[1],
            height=sheet.shape[0],
            href=f"data:image/webp;base64,{_webp(sheet)}",
            **attributes,
        ),
        width=WIDTH,
        height=WIDTH,
        viewBox=f"0 0 {width} {height}",
    )


def _sheet(frames: np.ndarray) -> np.ndarray:
    """Lays frames out in rows of `_COLUMNS`; the last one fills what is left."""
    count, height, width, channels = frames.shape
    rest = np.repeat(frames[-1:], -count % _COLUMNS, axis=0)
    rows = np.concatenate([frames, rest]).reshape(-1, _COLUMNS, height, width, channels)
    return rows.swapaxes(1, 2).reshape(-1, _COLUMNS * width, channels)


def _webp(image: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="WEBP", lossless=True)
    return base64.b64encode(buffer.getvalue()).decode()


def _shade(heat: np.ndarray) -> np.ndarray:
    """uint8[T, h, w, 4] black, the more opaque the less attention there was."""
    share = heat / heat.max(axis=(1, 2), keepdims=True)
    shade = np.zeros((*heat.shape, 4), np.uint8)
    shade[..., 3] = np.round(255 * _DIMMED * (1 - np.sqrt(share)))
    return shade


def _moving(mark: str, point: np.ndarray, clip: svg.Clip) -> str:
    """A mark that follows image coordinates [T, 2]."""
    at = (np.clip(point, -1, 1) + 1) / 2 * WIDTH
    if np.ptp(at, axis=0).max() < 0.1:
        return svg.element("g", mark, transform=svg.translate(at[0]))
    return svg.element("g", mark, clip.move("translate", at, step=True))
