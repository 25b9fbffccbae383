"""Picks an object up."""

import numpy as np

from wtl.collection.worlds.tabletop import world as worlds
from wtl.collection.worlds.tabletop.experts import expert

_LIFT_HEIGHT = 0.14  # metres
_GRIP_BELOW_CENTRE = 0.018  # metres
_TIP_CLEARANCE = 0.005  # metres between the finger tips and what the object lies on
_ALIGNED = 0.012  # metres
_ALIGNED_YAW = 0.15  # radians
_HELD_SLACK = 0.004  # metres


def act(world: worlds.World, index: int) -> expert.Command:
    """Picks up, then lifts."""
    if not is_held(world, index):
        return pick(world, index)
    lifted = np.array([*world.setpoint[:2], _LIFT_HEIGHT])
    yaw = float(world.setpoint[3])
    return expert.move_to(world, lifted, yaw, expert.CLOSED, noise=0.5)


def is_held(world: worlds.World, index: int) -> bool:
    """Whether the object is clamped between the fingers."""
    width = 2 * world.half_sizes[index, 0]
    return world.finger_gap < width + _HELD_SLACK and _is_between(world, index)


def pick(world: worlds.World, index: int) -> expert.Command:
    """Goes over the object with open fingers, then down, then closes."""
    position = world.object_positions[index]
    yaw = expert.grip_yaw(world, index)
    offset = np.linalg.norm(world.gripper_pose[:2] - position[:2])
    turned = abs(world.gripper_pose[3] - yaw)
    if offset > _ALIGNED or turned > _ALIGNED_YAW:
        return expert.move_above(world, position[:2], yaw, expert.OPEN)
    below = min(_GRIP_BELOW_CENTRE, world.half_sizes[index, 2] - _TIP_CLEARANCE)
    height = max(position[2] - below, worlds.SETPOINT_LOW[2])
    down = np.array([*position[:2], height])
    finger = (
        expert.CLOSED if abs(world.gripper_pose[2] - height) < 0.008 else expert.OPEN
    )
    return expert.move_to(world, down, yaw, finger, noise=0.3)


def _is_between(world: worlds.World, index: int) -> bool:
    offset = world.object_positions[index] - world.gripper_pose[:3]
    return bool(np.linalg.norm(offset[:2]) < 0.02 and 0 < offset[2] < 0.045)
