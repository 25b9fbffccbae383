"""Press: the target is the first button to go down."""

from wtl.collection.worlds.entities import family
from wtl.collection.worlds.tabletop import arena
from wtl.collection.worlds.tabletop import world as worlds


def achieved(world: worlds.World, index: int) -> bool:
    """Whether this button went down before all others."""
    return world.first_pressed == index


FAMILY = family.Family(
    "press",
    "Press {target}.",
    achieved,
    kind=1,
    noun="button",
    friction_range=arena.TABLE_FRICTION_RANGE,
)
