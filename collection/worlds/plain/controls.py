"""Declaration of how an operator's commands map to the actions of a world."""

import dataclasses

import numpy as np

from wtl.datasets.contract.episode import EpisodeSpec

# Keys of the page, see `wtl/collection/teleop/page/devices.js`.
_TAKEN = {*"nrduqopv123tf", " ", "shift"}
_PACES = ("slow", "normal", "fast")


@dataclasses.dataclass(frozen=True)
class Axis:
    """Axis that keys, buttons and sticks drive: a dimension of the action.

    Attributes:
      dimension: index of the dimension.
      labels: of the positive and of the negative direction.
      keys: of both directions, as `KeyboardEvent.key` names them.
      pace: slow, normal and fast, as shares of the way from rest to the limit.
    """

    dimension: int
    labels: tuple[str, str]
    keys: tuple[str, str]
    pace: tuple[float, float, float] = (0.15, 0.5, 1.0)


@dataclasses.dataclass(frozen=True)
class Latch:
    """Dimension that the space bar switches between its limits, such as a gripper.

    Attributes:
      dimension: index of the dimension.
      label: label of its button.
      high: whether it is at its upper limit at the start of an episode.
      steps: control steps that pass when it is switched.
    """

    dimension: int
    label: str = "grip"
    high: bool = True
    steps: int = 3


@dataclasses.dataclass(frozen=True)
class Controls:
    """Controls of a world.

    Attributes:
      axes: the axes; a gamepad drives the first four as right, away, up and turn.
      latch: the latched dimension, if there is one.
      rest: action [A] at rest; by default the middle of the limits.
      cameras: observations to show, one or two; by default the first ones.
    """

    axes: tuple[Axis, ...]
    latch: Latch | None = None
    rest: tuple[float, ...] = ()
    cameras: tuple[str, ...] = ()

    def check(self, spec: EpisodeSpec):
        """Check that the controls fit the spec of a world's episodes.

        Raises:
          ValueError: if they do not.
        """
        size = spec.action_size
        driven = [part.dimension for part in (*self.axes, self.latch) if part]
        if len({*driven} & {*range(size)}) != len(driven):
            raise ValueError(f"dimensions {driven} are not different ones of {size}")
        keys = [key.lower() for axis in self.axes for key in axis.keys]
        twice = [k for i, k in enumerate(keys) if k in _TAKEN or k in keys[:i]]
        if twice:
            raise ValueError(f"the key {twice[0]!r} has another meaning already")
        if not all(0 < pace <= 1 for axis in self.axes for pace in axis.pace):
            raise ValueError("paces are shares above 0, up to 1")
        # Limits of specs are rounded to float32.
        rest = np.float32(self.rest).tolist()
        limits = zip(spec.action_low, rest, spec.action_high, strict=False)
        inside = all(low <= value <= high for low, value, high in limits)
        if len(self.rest) not in (0, size) or not inside:
            raise ValueError(f"rest {self.rest} is no action within the limits")
        known = [camera.name for camera in spec.cameras]
        if not set(self.cameras) <= set(known) or len(self.cameras) > 2:
            raise ValueError(f"cameras {self.cameras} are not up to two of {known}")

    def json(self) -> dict:
        """Return the controls for the page."""
        axes = [
            {
                "labels": list(axis.labels),
                "keys": list(axis.keys),
                "pace": dict(zip(_PACES, axis.pace, strict=True)),
            }
            for axis in self.axes
        ]
        latch = self.latch and {"label": self.latch.label, "help": self.latch.label}
        return {"axes": axes, "latch": latch}
