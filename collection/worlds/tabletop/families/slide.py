"""Slide: the target is struck and comes to rest in the band out of reach."""

import numpy as np

from wtl.collection.worlds.entities import family
from wtl.collection.worlds.tabletop import arena
from wtl.collection.worlds.tabletop import world as worlds

_MIN_Y = 0.25  # metres; further than the gripper reaches
_MAX_DRIFT = 0.12  # metres sideways
_MAX_SPEED = 0.05  # m/s
_OTHERS_MAY_MOVE = 0.05  # metres


def achieved(world: worlds.World, index: int) -> bool:
    """Whether this object lies still in the goal band, straight ahead of its start."""
    x, y, _ = world.object_positions[index]
    speed = np.linalg.norm(world.object_velocities[index])
    return bool(
        abs(y - world.goal) < arena.GOAL_HALF_WIDTH
        and y > _MIN_Y
        and abs(x - world.initial_positions[index, 0]) < _MAX_DRIFT
        and speed < _MAX_SPEED
        and world.displaced(index).max() < _OTHERS_MAY_MOVE
    )


FAMILY = family.Family(
    "slide",
    "Strike {target} so that it comes to rest in the green band.",
    achieved,
    friction_range=(0.04, 0.07),
)
