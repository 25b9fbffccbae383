"""Grasp: the target is lifted, the other objects stay."""

from wtl.collection.worlds.entities import family
from wtl.collection.worlds.tabletop import arena
from wtl.collection.worlds.tabletop import world as worlds

_LIFT = 0.05  # metres
_OTHERS_MAY_MOVE = 0.05  # metres


def achieved(world: worlds.World, index: int) -> bool:
    """Whether this object is up in the air and the others hardly moved."""
    lift = world.object_positions[index, 2] - world.initial_positions[index, 2]
    return bool(lift > _LIFT and world.displaced(index).max() < _OTHERS_MAY_MOVE)


FAMILY = family.Family(
    "grasp", "Lift {target}.", achieved, friction_range=arena.TABLE_FRICTION_RANGE
)
