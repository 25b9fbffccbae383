"""Scripted expert that presses a button with closed fingers."""

import numpy as np

from wtl.collection.worlds.tabletop import world as worlds
from wtl.collection.worlds.tabletop.experts import expert

_ALIGNED = 0.014  # metres
_PRESS_HEIGHT = 0.004  # metres


def act(world: worlds.World, index: int) -> expert.Command:
    """Go over the button, then straight down."""
    xy = world.button_positions[index, :2]
    if np.linalg.norm(world.gripper_pose[:2] - xy) > _ALIGNED:
        return expert.move_above(world, xy)
    return expert.move_to(world, (*xy, _PRESS_HEIGHT), noise=0.3)
