"""Normalisation around a policy: given in the world's units, it acts in them."""

import dataclasses
import json

import numpy as np
import tensorflow as tf

from wtl.collection.worlds.plain.layout import PlainLayout
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.observation import Observation
from wtl.datasets.reading.store import EpisodeStore
from wtl.policies import interface
from wtl.policies.contextual import context as contexts
from wtl.policies.contextual.config import ContextualConfig
from wtl.policies.contextual.network import ContextualNetwork
from wtl.policies.contextual.policy import ContextualPolicy
from wtl.policies.normaliser import NormalisedPolicy

SPEC = EpisodeSpec(
    (Observation("joints", (3,)), Observation("speed", (1,))),
    action_size=2,
    action_low=(-90.0, -np.inf),
    action_high=(90.0, np.inf),
)
LAYOUT = PlainLayout.of(SPEC)


def _demos() -> EpisodeStore:
    """One episode of two timesteps and one of three, of which one is padded."""
    low, high = [-1, -2, 3, -10, 0], [3, 6, 3, 10, 1]
    # Actions of last and padded timesteps count for nothing.
    action = [[[0, 2], [5, 99], [99, 99]], [[0, 6], [9, 3], [99, 99]]]
    return EpisodeStore(
        state=np.array([[low, high, [99] * 5], [low, high, [1, 2, 3, 0, 2]]], "f4"),
        action=np.array(action, "f4"),
        reward=np.zeros((2, 3), "f4"),
        length=np.array([2, 3]),
        metadata={},
    )


NORMALISER = LAYOUT.normaliser(_demos(), SPEC)


def _policy():
    config = ContextualConfig(
        demos=True, layout=LAYOUT, action_size=2, encoder="flat", hidden=(16,)
    )
    return ContextualPolicy(ContextualNetwork(config)), config


def _context(config: interface.Interface, rng, change=lambda s, a: (s, a)):
    frames = config.context_frames
    state = rng.normal(size=(2, 1, frames, LAYOUT.state_size)).astype(np.float32)
    action = rng.uniform(-1, 1, (2, 1, frames, 2)).astype(np.float32)
    first = rng.normal(size=(2, LAYOUT.state_size)).astype(np.float32)
    state, action = change(state, action)
    first, _ = change(first, action)
    ones = np.ones((2, 1), np.float32)
    demos = contexts.ContextEpisodes(*map(tf.constant, (state, action, ones, ones)))
    zeros = tf.zeros(2, tf.int32)
    privileged = contexts.Privileged(zeros, zeros, tf.zeros(2))
    first = tf.constant(first, tf.float32)
    return contexts.Context(demos, demos, privileged, first, tf.zeros((2, 1)))


def test_limits_scale_actions_and_data_where_there_are_none():
    np.testing.assert_allclose(NORMALISER.action([90.0, 6.0]), [1, 1])
    np.testing.assert_allclose(NORMALISER.native([-1.0, -1.0]), [-90, 2])
    # At last states there is no action, whatever is stored there.
    padded = NORMALISER.store(_demos()).action
    assert padded.max() == 1 and padded.min() >= -1
    # A number that never changed is only centred.
    spread = np.sqrt(0.8)  # of five timesteps, one of them at the mean
    state = NORMALISER.state(np.array([1 + 2 * spread, 2.0, 4.0, 20 * spread, 50.0]))
    np.testing.assert_allclose(state, [1, 0, 1, 2, 0.5], atol=1e-6)


def test_members_of_a_set_are_scaled_alike():
    spec = EpisodeSpec((Observation("discs", (2, 2), is_set=True),), action_size=1)
    layout = PlainLayout.of(spec)
    state = np.array([[[0, 1, 4, 1, 0], [0, 3, 4, 3, 1]]], "f4")  # the last is time
    demos = EpisodeStore(
        state, np.zeros((1, 2, 1), "f4"), np.zeros((1, 2)), np.array([2]), metadata={}
    )
    found = layout.normaliser(demos, spec)
    np.testing.assert_allclose(found.state_mean[:4], [2, 2, 2, 2])
    np.testing.assert_allclose(found.state_std[:4], [2, 1, 2, 1])
    again = PlainLayout.of_json(json.loads(json.dumps(dataclasses.asdict(layout))))
    assert again == layout and again.rows["discs"][1] == (2, 2)


def test_a_wrapped_policy_is_the_one_inside_in_other_units():
    inside, config = _policy()
    outside = NormalisedPolicy(inside, NORMALISER)
    std, mean = NORMALISER.state_std, NORMALISER.state_mean

    def native(state, action):
        return state * std + mean, NORMALISER.native(action).astype(np.float32)

    plain = _context(config, np.random.default_rng(0))
    there = _context(config, np.random.default_rng(0), native)
    encoded = [inside.encode_context(plain), outside.encode_context(there)]
    tf.nest.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), *encoded
    )
    from tf_agents.trajectories import time_step as ts

    acted = inside.action(ts.restart({"state": plain.state}, 2), encoded[0]).action
    moved = outside.action(ts.restart({"state": there.state}, 2), encoded[1]).action
    np.testing.assert_allclose(moved, NORMALISER.native(acted.numpy()), atol=1e-4)
    # Densities change by the scale of the units.
    given = {
        "observation": {"state": plain.state},
        "action": acted,
        "policy_state": encoded[0],
    }
    native_given = {
        "observation": {"state": there.state},
        "action": moved,
        "policy_state": encoded[1],
    }
    shift = np.log(NORMALISER.half).sum()
    np.testing.assert_allclose(
        outside.log_likelihood(native_given),
        inside.log_likelihood(given) - shift,
        atol=1e-3,
    )
