"""Task families: two of them can be done in two ways, which the goal tells apart."""

import dataclasses

from wtl.collection.worlds.tabletop import arena, families
from wtl.collection.worlds.tabletop_rich.rules import FIRST, NO_WAY, SECOND
from wtl.collection.worlds.tabletop_rich.world import World

LOW_LIFT = (0.03, 0.09)  # metres above the table that an object is lifted
_HIGH_LIFT = (0.12, 0.30)


def _in_one_way(goal):
    """Return the goal of a family of the tabletop for targets; others never hold."""

    def achieved(world: World, target: int) -> bool:
        index, way = world.entity_and_way(target)
        return way == NO_WAY and goal(world, index)

    return achieved


def lifted(world: World, target: int) -> bool:
    """Whether this object is up in the air, by a little or by much."""
    index, way = world.entity_and_way(target)
    lift = world.object_positions[index, 2] - world.initial_positions[index, 2]
    low, high = {NO_WAY: (1, 0), FIRST: LOW_LIFT, SECOND: _HIGH_LIFT}[way]
    return bool(low < lift < high and families.others_stayed(world, index))


def in_band(world: World, target: int) -> bool:
    """Whether this object lies still in the nearer or in the farther band."""
    index, way = world.entity_and_way(target)
    y = world.object_positions[index, 1]
    return bool(
        way != NO_WAY
        and abs(y - world.bands[way - 1]) < arena.NARROW_HALF_WIDTH
        and families.slid(world, index)
    )


_GRASP = {
    "near": "a little",
    "far": "high up",
    "green": "a little if the green band is the nearer one, else high up",
    "blue": "a little if the blue band is the nearer one, else high up",
}
_SLIDE = {
    "near": "in the nearer band",
    "far": "in the farther band",
    "green": "in the green band",
    "blue": "in the blue band",
}
_WAYS = {
    "grasp": ("Lift {target} {way}.", lifted, _GRASP),
    "slide": ("Strike {target} so that it comes to rest {way}.", in_band, _SLIDE),
}


def _family(known):
    if known.name not in _WAYS:
        return dataclasses.replace(known, achieved=_in_one_way(known.achieved))
    instruction, achieved, way_rules = _WAYS[known.name]
    return dataclasses.replace(
        known,
        instruction=instruction,
        achieved=achieved,
        ways=(FIRST, SECOND),
        way_rules=way_rules,
    )


FAMILIES = {name: _family(known) for name, known in families.FAMILIES.items()}
