"""Policies that are given ordered rows, such as the blobs of an image."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from wtl.collection.worlds.plain.layout import BLOBS, PlainLayout
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.observation import Observation
from wtl.policies.contextual import kind
from wtl.policies.legacy_keras import tf_keras
from wtl.training.policy_config import config_for

SPEC = EpisodeSpec(
    (
        Observation("hand", (3,)),
        Observation("image", (32, 32, 3), "uint8", is_set=True),
    ),
    action_size=2,
)
ORDERED = PlainLayout.of(SPEC)
LAYOUTS = {
    "ordered": ORDERED,
    "unordered": PlainLayout(
        parts=(("things", BLOBS * 16), ("hand", 3), ("time", 1)),
        set_sizes=(("things", BLOBS),),
        actions=2,
    ),
}


def _network(layout):
    config = dataclasses.replace(
        config_for("wtl", TaskDistribution()),
        layout=layout,
        encoder="rows",
        hidden=(16, 16),
        embedding=8,
        action_size=2,
    )
    tf_keras.utils.set_random_seed(0)
    return kind.network(config)


@pytest.fixture(params=LAYOUTS)
def given(request):
    """Name of a layout with BLOBS rows, and a network that is given them."""
    return request.param, _network(LAYOUTS[request.param])


def _states(*shape) -> np.ndarray:
    shape = (*shape, ORDERED.state_size)
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def _rows(layout, states):
    (name,) = layout.sets
    return layout.split(states)[name]  # a view


def test_a_change_in_an_ordered_set_is_relative_to_other_episodes(given):
    name, network = given
    first = _states(40)
    last = first.copy()
    rows = _rows(network.layout, last)
    rows[:, 2] += 1.0  # the robot's
    rows[0, 9] += 0.5  # a thing that is moved in one episode alone
    change = network.change(tf.constant(first), tf.constant(last)).numpy()
    assert change[0].argmax() == (9 if name == "ordered" else 2)
