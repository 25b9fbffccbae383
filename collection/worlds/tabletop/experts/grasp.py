"""Scripted expert that picks an object up."""

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
    """Pick up, then lift."""
    if not is_held(world, index):
        return pick(world, index)
    return expert.move_to(world, (*world.setpoint[:2], _LIFT_HEIGHT), noise=0.5)


def is_held(world: worlds.World, index: int) -> bool:
    """Whether the object is clamped between the fingers."""
    if world.finger_gap >= 2 * world.half_sizes[index, 0] + _HELD_SLACK:
        return False
    offset = world.object_positions[index] - world.gripper_pose[:3]
    return bool(np.linalg.norm(offset[:2]) < 0.02 and 0 < offset[2] < 0.045)


def pick(world: worlds.World, index: int) -> expert.Command:
    """Go over the object with open fingers, then down, then close."""
    position = world.object_positions[index]
    gripper = world.gripper_pose
    yaw = _grip_yaw(world, index)
    offset = np.linalg.norm(gripper[:2] - position[:2])
    if offset > _ALIGNED or abs(gripper[3] - yaw) > _ALIGNED_YAW:
        return expert.move_above(world, position[:2], yaw, expert.OPEN)
    below = min(_GRIP_BELOW_CENTRE, world.half_sizes[index, 2] - _TIP_CLEARANCE)
    height = max(position[2] - below, worlds.SETPOINT_LOW[2])
    finger = expert.CLOSED if abs(gripper[2] - height) < 0.008 else expert.OPEN
    return expert.move_to(world, (*position[:2], height), yaw, finger, noise=0.3)


def _grip_yaw(world: worlds.World, index: int) -> float:
    """Yaw nearest to the gripper's at which the fingers face an object's x sides."""
    if not world.object_set.props[index].is_box:
        return float(world.setpoint[3])
    now = world.gripper_pose[3]
    return float((world.object_yaw(index) - now + np.pi / 2) % np.pi) + float(
        now - np.pi / 2
    )
