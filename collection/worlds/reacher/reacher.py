"""The reacher as a world, with sparse and with dense rewards."""

import dataclasses

import numpy as np

from wtl.collection.worlds.reacher import (
    environment,
    expert,
    observation,
    reach,
    target_set,
)
from wtl.collection.worlds.reacher import world as worlds
from wtl.collection.worlds.world import World

REACHER = World(
    name="reacher",
    families={reach.FAMILY.name: reach.FAMILY},
    noise_share=lambda task: np.ones(2),
    objects=target_set.draw,
    layout=observation.Layout,
    environment=environment.Reacher,
    model=lambda targets, _: worlds.compile_model(targets),
    experts={reach.FAMILY.name: expert.act},
    every_motor_counts=True,
)
DENSE_REACHER = dataclasses.replace(
    REACHER, name="dense_reacher", environment=environment.DenseReacher
)
