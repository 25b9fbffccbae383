"""Retrieve and play."""

import dataclasses

import numpy as np
import tensorflow as tf

from wtl.collection.worlds.plain.layout import TIME, PlainLayout
from wtl.policies.contextual import context as contexts
from wtl.policies.methods import METHODS
from wtl.policies.replay.config import ReplayConfig

LAYOUT = PlainLayout(parts=(("position", 2), (TIME, 1)), actions=1)
LENGTHS, FRAMES = (3, 5), 6
CONFIG = dataclasses.replace(
    METHODS["retrieve_and_play"].config,
    layout=LAYOUT,
    action_size=1,
    context_frames=FRAMES,
)


def _context(first) -> contexts.Context:
    """Demonstrations of 3 and 5 frames, at (0, 0) and (1, 1); the third is none."""
    state = np.zeros((1, 3, FRAMES, 3), np.float32)
    action = np.full((1, 3, FRAMES, 1), 9.0, np.float32)
    for row, length in enumerate(LENGTHS):
        step = np.rint(np.linspace(0, length - 1, FRAMES))
        state[0, row, :, :2] = row
        state[0, row, :, 2] = step / 100
        action[0, row, :, 0] = (step + 10 * row) / 100
    mask = tf.constant([[1.0, 1.0, 0.0]])
    given = map(tf.constant, (state, action))
    demos = contexts.ContextEpisodes(*given, mask, mask)
    first = tf.constant([[*first, 0.0]])
    return contexts.Context(demos, demos, None, first, tf.zeros((1, 1)))


def _replayed(first) -> list[float]:
    kind = METHODS["retrieve_and_play"].kind
    policy = kind.policy(kind.network(CONFIG))
    given = policy.encode_context(_context(first))
    actions = []
    for step in range(7):
        state = tf.constant([[5.0, 5.0, step / 100]])  # where it is does not matter
        prediction = policy._actor(state, given).predict(None)
        actions.append(float(prediction[1][0, 0, 0]))
    return np.round(actions, 2).tolist()


def test_the_nearest_demonstration_is_replayed_step_by_step_then_held():
    assert _replayed((0.1, 0.2)) == [0.0, 0.01, 0.02, 0.02, 0.02, 0.02, 0.02]
    assert _replayed((0.9, 0.8)) == [0.1, 0.11, 0.12, 0.13, 0.14, 0.14, 0.14]


def test_a_demonstration_that_is_not_there_is_never_replayed():
    assert max(_replayed((0.0, 0.0))) < 9


def test_nothing_is_trained():
    assert isinstance(METHODS["retrieve_and_play"].config, ReplayConfig)
    assert not METHODS["retrieve_and_play"].kind.loss_name
    assert not METHODS["retrieve_and_play"].kind.network(CONFIG).trainable_variables
