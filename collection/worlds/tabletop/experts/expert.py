"""Moves that the scripted experts share.

Experts are reactive: a command depends on the state of the world alone, not on a hidden
phase, so that a policy without memory can copy them.
"""

from collections.abc import Sequence

import numpy as np

from wtl.collection.worlds.entities.expert import Command
from wtl.collection.worlds.tabletop import world as worlds

OPEN = -1.0
CLOSED = 1.0
TRAVEL_HEIGHT = 0.085  # metres; clears every object and the anchor
_MAX_LOW_SHIFT = 0.02  # metres the finger tips may move sideways near the table


def move_to(
    world: worlds.World,
    position: Sequence[float],
    yaw: float | None = None,
    finger: float = CLOSED,
    *,
    noise: float,
    max_step: float = worlds.TRANSLATION_STEP,
) -> Command:
    """Move the setpoint straight towards a pose.

    Args:
      world: the scene.
      position: [3] desired position of the finger tips, metres.
      yaw: desired yaw, radians; None keeps it.
      finger: `OPEN`, `CLOSED` or between.
      noise: see `Command`.
      max_step: largest translation in this control step, metres.
    """
    delta = position - world.setpoint[:3]
    delta = delta * min(1.0, max_step / max(np.abs(delta).max(), 1e-9))
    turn = 0.0 if yaw is None else (yaw - world.setpoint[3]) / worlds.YAW_STEP
    action = np.concatenate([delta / world.stride, (turn, finger)])
    return Command(np.clip(action, -1, 1), noise)


def move_above(
    world: worlds.World,
    xy: np.ndarray,
    yaw: float | None = None,
    finger: float = CLOSED,
) -> Command:
    """Move over a point, rising first where the way is not clear."""
    position = world.gripper_pose[:3]
    far = np.linalg.norm(xy - position[:2]) > _MAX_LOW_SHIFT
    rises = far and position[2] < TRAVEL_HEIGHT - 0.02
    goal = (*(world.setpoint[:2] if rises else xy), TRAVEL_HEIGHT)
    return move_to(world, goal, yaw, finger, noise=0.5 if rises else 1.0)
