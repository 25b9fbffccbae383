"""SVG elements, and animations that need no script."""

import dataclasses
import html
from collections.abc import Sequence

import numpy as np

_STILL = {"translate": 0.1, "rotate": 4.0}  # pixels, degrees


def number(value: float) -> str:
    """Return a coordinate with at most one decimal."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def element(name: str, *children: str, **attributes) -> str:
    """Return an element with children of markup; text goes through `text` first.

    In names of attributes `_` stands for `-`, and ends reserved words of Python; values
    are escaped, None is omitted.
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
    """Return text, escaped for use as a child."""
    return html.escape(str(value))


def points(xy: np.ndarray) -> str:
    """Return [N, 2] points as the attribute of a polyline."""
    return " ".join(f"{number(x)},{number(y)}" for x, y in xy)


def translate(xy: Sequence[float]) -> str:
    """Return a shift as the attribute `transform`."""
    return f"translate({number(xy[0])} {number(xy[1])})"


@dataclasses.dataclass(frozen=True)
class Clip:
    """Interval of a loop in which an episode plays.

    Attributes:
      start: seconds into the loop.
      seconds: duration of the episode.
      total: duration of the loop in seconds.
    """

    start: float = 0.0
    seconds: float = 3.0
    total: float = 4.0

    def change(
        self, attribute: str, values: Sequence, step: bool = False, kind: str = ""
    ) -> str:
        """Return the animation of an attribute.

        Before and after the clip it has its first and its last value.

        Args:
          attribute: its name.
          values: [T] or [T, N] numbers, one for each frame.
          step: whether it changes in steps rather than smoothly.
          kind: `translate` or `rotate`, of the attribute `transform`.
        """
        frames = [" ".join(map(number, np.atleast_1d(frame))) for frame in values]
        first, last = self.start / self.total, (self.start + self.seconds) / self.total
        times = [0.0, *np.linspace(first, last, len(frames)), 1.0]
        return element(
            "animateTransform" if kind else "animate",
            attributeName=attribute,
            type_=kind or None,
            calcMode="discrete" if step else None,
            values=";".join((frames[0], *frames, frames[-1])),
            keyTimes=";".join(f"{time:.3f}".lstrip("0") or "0" for time in times),
            dur=f"{self.total:g}s",
            repeatCount="indefinite",
        )


def moving(
    kind: str, values: np.ndarray, clip: Clip | None, *children: str, step: bool = False
) -> str:
    """Return a group that follows [T, 2] pixels or [T] degrees; see `Clip.change`.

    Without a clip, it is where the last frame has it.
    """
    moves = clip is not None and np.ptp(values, axis=0).max() >= _STILL[kind]
    last = " ".join(map(number, np.atleast_1d(values[-1])))
    return element(
        "g",
        *children,
        clip.change("transform", values, step, kind) if moves else "",
        transform=f"{kind}({last})",
    )
