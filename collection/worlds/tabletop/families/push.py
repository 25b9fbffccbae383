"""Push: the target ends next to the anchor, the other objects stay."""

import numpy as np

from wtl.collection.worlds.entities import family
from wtl.collection.worlds.tabletop import arena
from wtl.collection.worlds.tabletop import world as worlds

_GAP = 0.035  # metres between the mean outlines of target and anchor
_MAX_HEIGHT = 0.05  # metres; on top of the anchor is not next to it
_OTHERS_MAY_MOVE = 0.05  # metres


def achieved(world: worlds.World, index: int) -> bool:
    """Whether this object stands on the table beside the anchor."""
    position = world.object_positions[index]
    distance = np.linalg.norm(position[:2] - world.anchor_position[:2])
    gap = distance - world.footprints[index] - arena.ANCHOR_RADIUS
    return bool(
        gap < _GAP
        and position[2] < _MAX_HEIGHT
        and world.displaced(index).max() < _OTHERS_MAY_MOVE
    )


FAMILY = family.Family(
    "push",
    "Push {target} against the grey block.",
    achieved,
    friction_range=arena.TABLE_FRICTION_RANGE,
)
