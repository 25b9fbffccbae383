"""Pieces of SVG: elements, and animations that need no script."""

import dataclasses
import html
from collections.abc import Sequence

import numpy as np


def number(value: float) -> str:
    """A coordinate with one decimal, as short as can be."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def element(name: str, *children: str, **attributes) -> str:
    """Returns an element.

    Args:
      name: of the element.
      *children: markup; text goes through `text` first.
      **attributes: `_` stands for `-` in names, and ends those that Python reserves;
        values are escaped, and those that are None left out.
    """
    parts = [f"<{name}"]
    for key, value in attributes.items():
        if value is None:
            continue
        if isinstance(value, (float, np.floating)):
            value = number(value)
        key = key.rstrip("_").replace("_", "-")
        parts.append(f' {key}="{html.escape(str(value))}"')
    if not children:
        return "".join((*parts, "/>"))
    return "".join((*parts, ">", *children, f"</{name}>"))


def text(value: object) -> str:
    """Escapes text for use as a child."""
    return html.escape(str(value))


def points(xy: np.ndarray) -> str:
    """[N, 2] points as the attribute of a polyline."""
    return " ".join(f"{number(x)},{number(y)}" for x, y in xy)


def translate(xy: Sequence[float]) -> str:
    """A shift as the attribute `transform`."""
    return f"translate({number(xy[0])} {number(xy[1])})"


@dataclasses.dataclass(frozen=True)
class Clip:
    """When something plays within a loop.

    Attributes:
      start: seconds into the loop.
      seconds: how long it plays.
      total: length of the loop in seconds.
    """

    start: float = 0.0
    seconds: float = 3.0
    total: float = 4.0

    def move(self, kind: str, values: np.ndarray, step: bool = False) -> str:
        """Animates a transform: `translate` by [N, 2], or `rotate` by [N] degrees.

        Before and after its clip the element stands as in the first and last frame. In
        between it moves in steps, or smoothly.
        """
        frames = [" ".join(number(v) for v in np.atleast_1d(frame)) for frame in values]
        mode = "discrete" if step else None
        return self._animation(
            "animateTransform",
            frames,
            attributeName="transform",
            type_=kind,
            calcMode=mode,
        )

    def change(self, attribute: str, values: Sequence[float], step: bool = False):
        """Animates a number; in steps, or smoothly."""
        frames = [number(value) for value in values]
        mode = "discrete" if step else None
        return self._animation(
            "animate", frames, attributeName=attribute, calcMode=mode
        )

    def _animation(self, name: str, frames: list[str], **attributes) -> str:
        first, last = self.start / self.total, (self.start + self.seconds) / self.total
        times = [0.0, *np.linspace(first, last, len(frames)), 1.0]
        return element(
            name,
            **attributes,
            values=";".join((frames[0], *frames, frames[-1])),
            keyTimes=";".join(f"{time:.3f}".lstrip("0") or "0" for time in times),
            dur=f"{self.total:g}s",
            repeatCount="indefinite",
        )
