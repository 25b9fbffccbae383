"""Scripted expert that puts an object down on the anchor."""

import numpy as np

from wtl.collection.worlds.tabletop import arena
from wtl.collection.worlds.tabletop import world as worlds
from wtl.collection.worlds.tabletop.experts import expert, grasp

_CLEARANCE = 0.03  # metres above the anchor while carrying
_OVER = 0.010  # metres
_PLACED_HEIGHT = 0.008  # metres
_PLACED_OFFSET = 0.03  # metres
_RELEASE_GAP = 0.012  # metres
_RETREAT = 0.10  # metres
_TIP_CLEARANCE = 0.008  # metres between the finger tips and the anchor


def act(world: worlds.World, index: int) -> expert.Command:
    """Pick up, carry, lower, let go, rise."""
    position = world.object_positions[index]
    half_sizes = world.half_sizes[index]
    offset = world.anchor_position[:2] - position[:2]
    far = np.linalg.norm(offset)
    height = position[2] - (2 * arena.ANCHOR_HALF_HEIGHT + half_sizes[2])
    hold = world.setpoint[:3].copy()
    if abs(height) < _PLACED_HEIGHT and far < _PLACED_OFFSET:
        # Tips pressed onto the anchor could not open.
        hold[2] = 2 * arena.ANCHOR_HALF_HEIGHT + _TIP_CLEARANCE
        if world.finger_gap > 2 * half_sizes[0] + _RELEASE_GAP:
            hold[2] = position[2] + _RETREAT
        return expert.move_to(world, hold, finger=expert.OPEN, noise=0.1)
    if not grasp.is_held(world, index):
        return grasp.pick(world, index)
    if far > _OVER:
        hold[2] += np.clip(_CLEARANCE + 0.01 - height, -0.08, 0.08)
        if height > _CLEARANCE - 0.005:
            hold[:2] += offset
        return expert.move_to(world, hold, noise=0.5, max_step=0.06)
    hold[:2] += offset
    hold[2] -= height + 0.002
    return expert.move_to(world, hold, noise=0.25, max_step=0.03)
