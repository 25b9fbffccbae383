"""The hard tabletop as a world."""

from wtl.collection.worlds.entities.entity_structure import EntityStructure
from wtl.collection.worlds.tabletop import environment, experts, families, model
from wtl.collection.worlds.tabletop.tabletop import noise_share
from wtl.collection.worlds.tabletop_hard import (
    object_set,
    observation,
    push,
    rules,
    scene,
)
from wtl.collection.worlds.tabletop_hard.oracle_bound import OracleBound
from wtl.collection.worlds.tabletop_hard.relabel import RuleRelabeller

TABLETOP_HARD = EntityStructure(
    families=families.FAMILIES,
    objects=object_set.draw,
    layout=observation.Layout,
    environment=environment.Manipulation,
    model=model.compile_model,
    experts=experts.DEMONSTRATORS | {"push": push.act},
    noise_share=noise_share,
    draw_rule=object_set.draw_rule,
    rule_kinds=rules.KINDS_PICK_ALL,
    categories=object_set.CATEGORIES,
    reset_room=scene.RESET_ROOM,
).world(
    "tabletop_hard",
    moves_as_commanded=True,
    relabel=RuleRelabeller,
    oracle_bound=OracleBound,
)
