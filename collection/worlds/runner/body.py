"""Bodies of runners: model, actuators and observed state."""

import dataclasses
from collections.abc import Callable

import numpy as np
from dm_control import mujoco
from dm_control.suite import cheetah

Physics = mujoco.Physics


@dataclasses.dataclass(frozen=True)
class Body:
    """Body that runs along x.

    Attributes:
      load: () -> XML and assets of its model.
      actuators: names of the actuators, in their order.
      joints: names of the actuators that may fail, by split.
      control_hz: control steps per second.
      observe: physics -> observed numbers besides the forward velocity.
    """

    load: Callable[[], tuple[str, dict]]
    actuators: tuple[str, ...]
    joints: dict[str, tuple[str, ...]]
    control_hz: float
    observe: Callable[[Physics], np.ndarray]

    def failing(self) -> dict[str, tuple[int, ...]]:
        """Return the numbers of the actuators that may fail, by split."""
        number = self.actuators.index
        return {
            split: tuple(map(number, names)) for split, names in self.joints.items()
        }


def _observe_cheetah(physics: Physics) -> np.ndarray:
    """Return height, sine and cosine of the pitch, joint angles and all velocities."""
    position, velocity = physics.data.qpos, physics.data.qvel
    pitch = position[2]
    return np.concatenate(
        [position[1:2], [np.sin(pitch), np.cos(pitch)], position[3:], velocity]
    )


HALF_CHEETAH = Body(
    load=cheetah.get_model_and_assets,
    actuators=("bthigh", "bshin", "bfoot", "fthigh", "fshin", "ffoot"),
    joints={
        "train": ("bthigh", "bfoot", "fthigh", "fshin"),
        "val": ("ffoot",),
        "test": ("bshin",),
    },
    control_hz=20.0,
    observe=_observe_cheetah,
)
