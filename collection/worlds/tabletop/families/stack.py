"""Stack: the target is put down on the anchor and let go."""

import numpy as np

from wtl.collection.worlds.entities import family
from wtl.collection.worlds.tabletop import arena
from wtl.collection.worlds.tabletop import world as worlds

_HEIGHT_TOLERANCE = 0.012  # metres
_MAX_OFFSET = 0.035  # metres between the axes
_RELEASE_GAP = 0.006  # metres by which the fingers are wider than the object
_MAX_SPEED = 0.05  # m/s
_OTHERS_MAY_MOVE = 0.05  # metres


def achieved(world: worlds.World, index: int) -> bool:
    """Whether this object rests on the anchor, released."""
    position = world.object_positions[index]
    half_sizes = world.half_sizes[index]
    height = 2 * arena.ANCHOR_HALF_HEIGHT + half_sizes[2]
    offset = np.linalg.norm(position[:2] - world.anchor_position[:2])
    return bool(
        abs(position[2] - height) < _HEIGHT_TOLERANCE
        and offset < _MAX_OFFSET
        and world.finger_gap > 2 * half_sizes[0] + _RELEASE_GAP
        and np.linalg.norm(world.object_velocities[index]) < _MAX_SPEED
        and world.displaced(index).max() < _OTHERS_MAY_MOVE
    )


FAMILY = family.Family(
    "stack",
    "Put {target} on the grey block.",
    achieved,
    friction_range=arena.TABLE_FRICTION_RANGE,
)
