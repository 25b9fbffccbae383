"""Scripted expert that pushes an object against the anchor, past other objects."""

import numpy as np

from wtl.collection.worlds.tabletop import world as worlds
from wtl.collection.worlds.tabletop.experts import expert, push

_BESIDE = 0.10  # metres sideways from the anchor, further than which others are passed
_CLEAR_Y = 0.095  # metres; beyond all other objects
_AHEAD = 0.2  # metres


def act(world: worlds.World, index: int) -> expert.Command:
    """Push out of the row of objects first, then along the line to the anchor."""
    x, y, _ = world.object_positions[index]
    anchor = world.anchor_position[:2]
    if abs(anchor[0] - x) > _BESIDE and y < _CLEAR_Y:
        return push.towards(world, index, np.array([x, y + _AHEAD]))
    return push.towards(world, index, anchor)
