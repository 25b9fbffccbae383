"""The tabletop as a world."""

from wtl.collection.worlds.tabletop import (
    environment,
    experts,
    families,
    human,
    model,
    object_set,
    observation,
)
from wtl.collection.worlds.world import World

TABLETOP = World(
    name="gripper",
    families=families.FAMILIES,
    noise=(1.0, 1.0, 1.0, 1.0, 0.3),
    objects=object_set.draw,
    layout=observation.Layout,
    environment=environment.Manipulation,
    model=model.compile_model,
    experts=experts.DEMONSTRATORS,
    moves_as_commanded=True,
    human=human.Human,
    can_be_seen=True,
)
