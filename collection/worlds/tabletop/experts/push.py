"""Scripted expert that pushes an object against the anchor with closed fingers."""

import numpy as np

from wtl.collection.worlds.tabletop import arena
from wtl.collection.worlds.tabletop import world as worlds
from wtl.collection.worlds.tabletop.experts import expert

_PUSH_HEIGHT = 0.01  # metres
_BEHIND = 0.04  # metres between the object's outline and the fingers at the start
_STOP_GAP = 0.018  # metres
_LANE = 0.012  # metres the fingers may be off the line through object and anchor
_MAX_LATERAL = 0.01  # metres per control step


def act(world: worlds.World, index: int) -> expert.Command:
    """Go behind the object, down, and push along the line to the anchor."""
    return towards(world, index, world.anchor_position[:2])


def towards(world: worlds.World, index: int, goal: np.ndarray) -> expert.Command:
    """Push along the line to a goal [2], and stop an anchor's radius before it."""
    position = world.object_positions[index, :2]
    way = goal - position
    distance = np.linalg.norm(way)
    forward = way / max(distance, 1e-6)
    gap = distance - world.footprints[index] - arena.ANCHOR_RADIUS
    if gap < _STOP_GAP:
        return expert.move_to(world, world.setpoint[:3], noise=0.1)
    # The row of fingers stands across the push direction.
    yaw = np.arctan2(-forward[0], forward[1])
    yaw = float(np.clip(yaw, worlds.SETPOINT_LOW[3], worlds.SETPOINT_HIGH[3]))
    offset = world.gripper_pose[:2] - position
    along = offset @ forward
    across = offset - along * forward
    low = world.gripper_pose[2] < 0.04
    if low and along < 0 and np.linalg.norm(across) < 4 * _LANE:
        step = min(0.035, 0.4 * gap + 0.004)
        lateral = np.clip(-0.8 * across, -_MAX_LATERAL, _MAX_LATERAL)
        goal = world.setpoint[:2] + step * forward + lateral
        return expert.move_to(world, (*goal, _PUSH_HEIGHT), yaw, noise=0.25)
    reach = world.half_sizes[index, :2].max() + _BEHIND
    behind = position - reach * forward
    if np.linalg.norm(world.gripper_pose[:2] - behind) > _LANE:
        return expert.move_above(world, behind, yaw)
    return expert.move_to(world, (*behind, _PUSH_HEIGHT), yaw, noise=0.3)
