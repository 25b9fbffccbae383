"""World made of a dataset: demonstrations without an environment to play in."""

import collections
import functools
import os

import numpy as np
from dm_env import specs

from wtl.collection.worlds.plain.world import parts_of, spec_of
from wtl.collection.worlds.world import World
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.format import decoding, schema
from wtl.datasets.reading import reader

NAME = "dataset"
PREFIX = f"{NAME}:"  # before the folder of the demonstrations, as the name of a world


@functools.cache
def dataset_world(folder: str | os.PathLike) -> World:
    """Return the world of a published dataset version; it has no environment.

    Raises:
      UserError: if the dataset has no actions, or no two training episodes of a task.
    """
    episodes = schema.stored_spec(folder)
    if not episodes.action_size:
        raise UserError(f"{folder} has no actions, so no policy can be trained on it")
    shape, dtype = episodes.step_arrays()[fields.TIMESTAMP]
    families, rates, horizon = set(), set(), 1
    of_task = collections.Counter()
    for record in reader.iterate_records(folder):
        features = decoding.split(record.payload)
        families.add(decoding.value(features, fields.FAMILY))
        rates.add(decoding.value(features, fields.CONTROL_HZ))
        of_task[decoding.value(features, fields.TASK_ID)] += (
            decoding.value(features, fields.SPLIT) == fields.SPLIT_TRAIN
        )
        steps = decoding.step_array(features, fields.TIMESTAMP, shape, dtype)
        horizon = max(horizon, len(steps) - 1)
    if max(of_task.values(), default=0) < 2:
        raise UserError(
            f"{folder}: no task has two training episodes, but each is imitated given "
            "another; name one task for several with `wtl import --set=task_id=NAME`"
        )
    size = episodes.action_size
    low = episodes.action_low or (-1.0,) * size
    high = episodes.action_high or (1.0,) * size
    return World(
        name=NAME,
        spec=spec_of(
            episodes,
            specs.BoundedArray((size,), np.float32, low, high, "action"),
            max(rates),
            horizon,
        ),
        families=tuple(sorted(families)),
        tasks=lambda split, seed, **options: [],
        make_env=None,
        **parts_of(episodes),
    )
