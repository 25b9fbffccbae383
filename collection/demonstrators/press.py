"""Presses a button with closed fingers."""

import numpy as np

from collection.demonstrators import demonstrator
from wtl.envs import world as worlds

_ALIGNED = 0.014  # metres
_PRESS_HEIGHT = 0.004  # metres


def act(world: worlds.World, index: int) -> demonstrator.Command:
    """Goes over the button, then straight down."""
    xy = world.button_positions[index, :2]
    yaw = float(world.setpoint[3])
    if np.linalg.norm(world.gripper_pose[:2] - xy) > _ALIGNED:
        return demonstrator.move_above(world, xy, yaw, demonstrator.CLOSED)
    down = np.array([*xy, _PRESS_HEIGHT])
    return demonstrator.move_to(world, down, yaw, demonstrator.CLOSED, noise=0.3)
