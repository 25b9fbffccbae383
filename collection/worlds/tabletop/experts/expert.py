"""What a scripted demonstrator is, and the moves they share.

Demonstrators are reactive: a command depends on the state of the world alone, not on a
hidden phase, so that a policy without memory can copy them.
"""

import dataclasses
from typing import Protocol

import numpy as np

from wtl.collection.worlds.tabletop import world as worlds

OPEN = -1.0
CLOSED = 1.0
TRAVEL_HEIGHT = 0.085  # metres; clears every object and the anchor
_MAX_LOW_SHIFT = 0.02  # metres the finger tips may move sideways near the table


@dataclasses.dataclass(frozen=True)
class Command:
    """What a demonstrator wants now.

    Attributes:
      action: float64[5] in [-1, 1], the clean label.
      noise: how much of the exploration noise this phase bears, in [0, 1].
    """

    action: np.ndarray
    noise: float


class Demonstrator(Protocol):
    """Solves one family."""

    def __call__(self, world: worlds.World, index: int) -> Command:
        """Returns the command towards the target with this canonical index."""


def move_to(
    world: worlds.World,
    position: np.ndarray,
    yaw: float,
    finger: float,
    *,
    noise: float,
    max_step: float = worlds.TRANSLATION_STEP,
) -> Command:
    """Moves the setpoint straight towards a pose.

    Args:
      world: the scene.
      position: [3] wanted position of the finger tips, metres.
      yaw: wanted yaw, radians.
      finger: `OPEN`, `CLOSED` or between.
      noise: see `Command`.
      max_step: largest translation in this control step, metres.
    """
    delta = position - world.setpoint[:3]
    delta = delta * min(1.0, max_step / max(np.abs(delta).max(), 1e-9))
    turn = np.clip((yaw - world.setpoint[3]) / worlds.YAW_STEP, -1, 1)
    action = np.concatenate([delta / world.stride, (turn, finger)])
    return Command(np.clip(action, -1, 1), noise)


def move_above(
    world: worlds.World, xy: np.ndarray, yaw: float, finger: float
) -> Command:
    """Moves over a point, rising first where the way is not clear."""
    position = world.gripper_pose[:3]
    far = np.linalg.norm(xy - position[:2]) > _MAX_LOW_SHIFT
    if far and position[2] < TRAVEL_HEIGHT - 0.02:
        rise = np.array([*world.setpoint[:2], TRAVEL_HEIGHT])
        return move_to(world, rise, yaw, finger, noise=0.5)
    return move_to(world, np.array([*xy, TRAVEL_HEIGHT]), yaw, finger, noise=1.0)


def grip_yaw(world: worlds.World, index: int) -> float:
    """Yaw nearest to the gripper's at which the fingers face an object's x sides."""
    prop = world.object_set.props[index]
    if not prop.is_box:
        return float(world.setpoint[3])
    rotation = world.object_rotations[index]
    yaw = np.arctan2(rotation[1, 0], rotation[0, 0])
    return float((yaw - world.gripper_pose[3] + np.pi / 2) % np.pi) + float(
        world.gripper_pose[3] - np.pi / 2
    )
