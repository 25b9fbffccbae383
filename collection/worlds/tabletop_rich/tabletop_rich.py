"""The rich tabletop as a world."""

from wtl.collection.worlds.entities.entity_structure import EntityStructure
from wtl.collection.worlds.tabletop import environment, model
from wtl.collection.worlds.tabletop.tabletop import noise_share
from wtl.collection.worlds.tabletop_hard import scene
from wtl.collection.worlds.tabletop_hard.object_set import CATEGORIES
from wtl.collection.worlds.tabletop_hard.oracle_bound import OracleBound
from wtl.collection.worlds.tabletop_hard.relabel import RuleRelabeller
from wtl.collection.worlds.tabletop_rich import (
    experts,
    families,
    object_set,
    observation,
    rules,
    world,
)


class Manipulation(environment.Manipulation):
    """See the base class."""

    layouts = observation.Layout
    worlds = world.World


TABLETOP_RICH = EntityStructure(
    families=families.FAMILIES,
    objects=object_set.draw,
    layout=observation.Layout,
    environment=Manipulation,
    model=model.compile_model,
    experts=experts.EXPERTS,
    noise_share=noise_share,
    draw_rule=object_set.draw_rule,
    rule_kinds=rules.KINDS_PICK_ALL,
    categories=CATEGORIES,
    clutter_places=object_set.CLUTTER_PLACES,
    reset_room=scene.RESET_ROOM,
).world(
    "tabletop_rich",
    has_cameras=True,
    moves_as_commanded=True,
    relabel=RuleRelabeller,
    oracle_bound=OracleBound,
)
