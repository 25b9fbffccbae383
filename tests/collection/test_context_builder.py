"""Contexts of recorded episodes, as policies are given them."""

import dataclasses
import types

import numpy as np
import tensorflow as tf

from tests import plain_module
from wtl.collection.context_builder import ContextBuilder
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.observation_encoder import ObservationEncoder
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.reading.store import stack
from wtl.datasets.testing.fakes import fake_episode
from wtl.training.policy_config import config_for


def test_a_demonstration_is_given_as_in_training_whatever_its_label():
    spec = plain_module.POINT.episodes
    spec = dataclasses.replace(spec, action_low=(), action_high=())
    given = {"instruction": "", "family": "left"}
    demos = [
        fake_episode(i, spec, **given, success=success)
        for i, success in enumerate((False, True))
    ]
    config = config_for("mil", TaskDistribution(domain="plain_point"))
    saved = types.SimpleNamespace(get_metadata=lambda: {"images": tf.constant("{}")})
    builder = ContextBuilder(
        config, ObservationEncoder(saved, config.layout), demos=stack(demos)
    )
    requests = [
        EpisodeRequest(None, "", fields.ROLE_EVAL, demo_ids=(demo.id,))
        for demo in demos
    ]
    observed = {
        name: np.stack([demo.steps[name][0] for demo in demos])
        for name in config.layout.vectors
    }
    context = builder.build(requests, observed)
    np.testing.assert_array_equal(context.demos.success, [[1], [1]])
