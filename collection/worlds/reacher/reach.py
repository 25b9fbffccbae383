"""Reach: the fingertip of the planar arm ends in the target."""

from wtl.collection.worlds.entities import family
from wtl.collection.worlds.reacher import world as worlds


def achieved(world: worlds.World, index: int) -> bool:
    """Whether the fingertip is within this target."""
    return bool(world.distances[index] < worlds.TARGET_RADIUS)


FAMILY = family.Family(
    "reach",
    "Bring the fingertip to {target}.",
    achieved,
    noun="target",
)
