"""Retrieve and play."""

import dataclasses

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from wtl.collection.worlds.plain.layout import TIME, PlainLayout
from wtl.datasets.contract import fields
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


def _context(first, size: int) -> contexts.Context:
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
    demos = demos._replace(state=demos.state[..., :size])
    first = tf.constant([[*first, 0.0][:size]])
    return contexts.Context(demos, demos, None, first, tf.zeros((1, 1)))


def _replayed(first, layout: PlainLayout = LAYOUT) -> list[float]:
    kind = METHODS["retrieve_and_play"].kind
    policy = kind.policy(kind.network(dataclasses.replace(CONFIG, layout=layout)))
    memory = policy.encode_context(_context(first, layout.state_size))
    # Where it is does not matter.
    anywhere = {fields.STATE: tf.fill((1, layout.state_size), 5.0)}
    actions = []
    for _ in range(7):
        made = policy.action(ts.restart(anywhere, batch_size=1), memory)
        memory = made.state
        actions.append(float(made.action[0, 0]))
    return np.round(actions, 2).tolist()


def test_the_nearest_demonstration_is_replayed_step_by_step_then_held():
    assert _replayed((0.1, 0.2)) == [0.0, 0.01, 0.02, 0.02, 0.02, 0.02, 0.02]
    assert _replayed((0.9, 0.8)) == [0.1, 0.11, 0.12, 0.13, 0.14, 0.14, 0.14]


def test_it_counts_steps_where_no_observation_does():
    layout = PlainLayout(parts=((fields.STATE, 2),), actions=1)
    assert _replayed((0.9, 0.8), layout) == _replayed((0.9, 0.8))


def test_a_demonstration_that_is_not_there_is_never_replayed():
    assert max(_replayed((0.0, 0.0))) < 9


def test_nothing_is_trained():
    assert isinstance(METHODS["retrieve_and_play"].config, ReplayConfig)
    assert not METHODS["retrieve_and_play"].kind.loss_name
    assert not METHODS["retrieve_and_play"].kind.network(CONFIG).trainable_variables
