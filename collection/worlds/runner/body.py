"""Bodies of runners: model, actuators and observed state."""

import dataclasses
from collections.abc import Callable

import mujoco as bindings
import numpy as np
from dm_control import mujoco
from dm_control.suite import cheetah, common, quadruped

Physics = mujoco.Physics


@dataclasses.dataclass(frozen=True)
class Body:
    """Body that runs along x.

    Attributes:
      load: () -> XML and assets of its model.
      actuators: names of the actuators, in their order.
      parts: actuators that fail together, by split: for each fault their numbers.
      control_hz: control steps per second.
      control_cost: subtracted from the reward for each action squared, in m/s.
      min_speed: mean upright forward velocity that counts as success, in m/s.
      root: number of coordinates of the torso, which come first among all.
      observe: physics -> observed numbers besides the forward velocity.
      postures: states [T, S] -> coordinates of MuJoCo [T, C], with the torso at x = 0.
      upright: index in the state of a number from -1, upside down, to 1, upright.
      uprights: coordinates of MuJoCo [..., C] -> these numbers [...].
    """

    load: Callable[[], tuple[str, dict]]
    actuators: tuple[str, ...]
    parts: dict[str, tuple[tuple[int, ...], ...]]
    control_hz: float
    control_cost: float
    min_speed: float
    root: int
    observe: Callable[[Physics], np.ndarray]
    postures: Callable[[np.ndarray], np.ndarray]
    upright: int
    uprights: Callable[[np.ndarray], np.ndarray]


def _observe_cheetah(physics: Physics) -> np.ndarray:
    """Return height, sine and cosine of the pitch, joint angles and all velocities."""
    position, velocity = physics.data.qpos, physics.data.qvel
    pitch = position[2]
    return np.concatenate(
        [position[1:2], [np.sin(pitch), np.cos(pitch)], position[3:], velocity]
    )


def _cheetah_postures(states: np.ndarray) -> np.ndarray:
    pitch = np.arctan2(states[:, 2], states[:, 3])
    torso = np.stack([np.zeros(len(states)), states[:, 1], pitch], axis=1)
    return np.concatenate([torso, states[:, 4:10]], axis=1)


def _observe_quadruped(physics: Physics) -> np.ndarray:
    """Return height, two axes of the torso, joint angles, velocities and setpoints."""
    data = physics.data
    rotation = data.xmat[physics.model.name2id("torso", "body")].reshape(3, 3)
    return np.concatenate(
        [data.qpos[2:3], rotation[:, 0], rotation[:, 2], data.qpos[7:]]
        + [data.qvel, data.act]
    )


def _quadruped_postures(states: np.ndarray) -> np.ndarray:
    torso = np.zeros((len(states), 7))
    torso[:, 2] = states[:, 1]
    for quaternion, x, z in zip(torso[:, 3:], states[:, 2:5], states[:, 5:8]):
        matrix = np.stack([x, np.cross(z, x), z], axis=1)
        bindings.mju_mat2Quat(quaternion, matrix.ravel().astype(np.float64))
    return np.concatenate([torso, states[:, 8:24]], axis=1)


HALF_CHEETAH = Body(
    load=cheetah.get_model_and_assets,
    actuators=("bthigh", "bshin", "bfoot", "fthigh", "fshin", "ffoot"),
    # bshin and ffoot never fail in training.
    parts={"train": ((0,), (2,), (3,), (4,)), "val": ((5,),), "test": ((1,),)},
    control_hz=20.0,
    control_cost=0.05,
    min_speed=1.0,
    root=3,
    observe=_observe_cheetah,
    postures=_cheetah_postures,
    upright=3,
    uprights=lambda positions: np.cos(positions[..., 2]),
)

_LEG = ("yaw", "lift", "extend")
_LEGS = ("front_left", "front_right", "back_right", "back_left")
QUADRUPED = Body(
    load=lambda: (quadruped.make_model(floor_size=100), common.ASSETS),
    actuators=tuple(f"{part}_{leg}" for leg in _LEGS for part in _LEG),
    # A whole leg fails.
    parts={
        "train": ((0, 1, 2), (6, 7, 8)),
        "val": ((9, 10, 11),),
        "test": ((3, 4, 5),),
    },
    control_hz=20.0,
    control_cost=0.01,
    min_speed=0.3,
    root=7,
    observe=_observe_quadruped,
    postures=_quadruped_postures,
    upright=7,
    uprights=lambda positions: 1 - 2 * (positions[..., 4:6] ** 2).sum(axis=-1),
)
