"""Task families of the tabletop; a new one is a goal and an entry of `FAMILIES`."""

import numpy as np

from wtl.collection.worlds.entities.family import Family
from wtl.collection.worlds.tabletop import arena
from wtl.collection.worlds.tabletop.world import World

# Metres and metres per second.
_OTHERS_MAY_MOVE = 0.05
_MAX_SPEED = 0.05
_LIFT = 0.05
_PUSH_GAP = 0.035  # between the mean outlines of target and anchor
_PUSH_MAX_HEIGHT = 0.05  # on top of the anchor is not next to it
_SLIDE_MIN_Y = 0.25  # further than the gripper reaches
_SLIDE_MAX_DRIFT = 0.12  # sideways
_STACK_HEIGHT_TOLERANCE = 0.012
_STACK_MAX_OFFSET = 0.035  # between the axes
_STACK_RELEASE_GAP = 0.006  # by which the fingers are wider than the object

_ROUGH = (0.8, 0.8)  # friction range of families in which nothing slides


def pressed(world: World, index: int) -> bool:
    """Whether this button went down before all others."""
    return world.first_pressed == index


def lifted(world: World, index: int) -> bool:
    """Whether this object is up in the air and the others hardly moved."""
    lift = world.object_positions[index, 2] - world.initial_positions[index, 2]
    return bool(lift > _LIFT and others_stayed(world, index))


def beside_anchor(world: World, index: int) -> bool:
    """Whether this object stands on the table beside the anchor."""
    position = world.object_positions[index]
    distance = np.linalg.norm(position[:2] - world.anchor_position[:2])
    gap = distance - world.footprints[index] - arena.ANCHOR_RADIUS
    return bool(
        gap < _PUSH_GAP
        and position[2] < _PUSH_MAX_HEIGHT
        and others_stayed(world, index)
    )


def in_goal_band(world: World, index: int) -> bool:
    """Whether this object lies still in the goal band, straight ahead of its start."""
    y = world.object_positions[index, 1]
    return bool(abs(y - world.goal) < arena.GOAL_HALF_WIDTH) and slid(world, index)


def slid(world: World, index: int) -> bool:
    """Whether this object lies still out of reach, straight ahead of its start."""
    x, y, _ = world.object_positions[index]
    return bool(
        y > _SLIDE_MIN_Y
        and abs(x - world.initial_positions[index, 0]) < _SLIDE_MAX_DRIFT
        and np.linalg.norm(world.object_velocities[index]) < _MAX_SPEED
        and others_stayed(world, index)
    )


def on_anchor(world: World, index: int) -> bool:
    """Whether this object rests on the anchor, released."""
    position = world.object_positions[index]
    half_sizes = world.half_sizes[index]
    height = 2 * arena.ANCHOR_HALF_HEIGHT + half_sizes[2]
    offset = np.linalg.norm(position[:2] - world.anchor_position[:2])
    return bool(
        abs(position[2] - height) < _STACK_HEIGHT_TOLERANCE
        and offset < _STACK_MAX_OFFSET
        and world.finger_gap > 2 * half_sizes[0] + _STACK_RELEASE_GAP
        and np.linalg.norm(world.object_velocities[index]) < _MAX_SPEED
        and others_stayed(world, index)
    )


def others_stayed(world: World, index: int) -> bool:
    """Whether all other objects hardly moved."""
    return world.displaced(index).max() < _OTHERS_MAY_MOVE


_BAND = "Strike {target} so that it comes to rest in the green band."
FAMILIES = {
    family.name: family
    for family in (
        Family("press", "Press {target}.", pressed, 1, "button", _ROUGH),
        Family("grasp", "Lift {target}.", lifted, friction_range=_ROUGH),
        Family(
            "push",
            "Push {target} against the grey block.",
            beside_anchor,
            friction_range=_ROUGH,
        ),
        Family("slide", _BAND, in_goal_band, friction_range=(0.04, 0.07)),
        Family(
            "stack", "Put {target} on the grey block.", on_anchor, friction_range=_ROUGH
        ),
    )
}
