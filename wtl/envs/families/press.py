"""Press: the target is the first button to go down."""

from wtl.envs import world as worlds
from wtl.envs.families import family


def achieved(world: worlds.World, index: int) -> bool:
    """Whether this button went down before all others."""
    return world.first_pressed == index


FAMILY = family.Family(
    "press", "Press {target}.", achieved, on_buttons=True, noun="button"
)
