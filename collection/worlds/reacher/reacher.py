"""The reacher as a world, with sparse and with dense rewards."""

import dataclasses

import numpy as np

from wtl.collection.worlds.entities.entity_structure import EntityStructure
from wtl.collection.worlds.entities.family import Family
from wtl.collection.worlds.reacher import environment, expert, observation, target_set
from wtl.collection.worlds.reacher import world as worlds


def reached(world: worlds.World, index: int) -> bool:
    """Whether the fingertip is within this target."""
    return bool(world.distances[index] < worlds.TARGET_RADIUS)


_REACH = Family("reach", "Bring the fingertip to {target}.", reached, noun="target")

_ENTITIES = EntityStructure(
    families={_REACH.name: _REACH},
    objects=target_set.draw,
    layout=observation.Layout,
    environment=environment.Reacher,
    model=lambda targets, _: worlds.compile_model(targets),
    experts={_REACH.name: expert.act},
    noise_share=lambda task: np.ones(2),
)
REACHER = _ENTITIES.world("reacher", all_gains_matter=True)
DENSE_REACHER = dataclasses.replace(
    _ENTITIES, environment=environment.DenseReacher
).world("dense_reacher", all_gains_matter=True)
