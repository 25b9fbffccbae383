"""Window of the last transitions in the state of a policy."""

import numpy as np
import tensorflow as tf

from wtl.policies.adapters.transition_window import TransitionWindow

_LENGTH, _STEPS = 4, 7


def _played(windows: int, restart: dict[int, int]):
    """Transitions seen at each step; episode i starts anew at step `restart[i]`.

    Observation and action of episode i at step t are 100 i + t and their negative.
    """
    window = TransitionWindow(1, 2, _LENGTH)
    state, seen = window.empty(windows), []
    number = 100.0 * np.arange(windows)
    for t in range(_STEPS):
        observation = tf.constant(number[:, None] + t, tf.float32)
        is_first = tf.constant([t == restart.get(i, 0) for i in range(windows)])
        state, transitions = window.observe(state, observation, is_first)
        seen.append(transitions)
        state = window.record(state, -tf.repeat(observation, 2, axis=1))
    return seen


def test_the_last_transitions_are_whole_and_in_order():
    seen = _played(2, {})
    np.testing.assert_array_equal(seen[0].valid, np.zeros((2, _LENGTH)))
    np.testing.assert_array_equal(seen[2].valid[0], [0, 0, 1, 1])
    np.testing.assert_array_equal(seen[2].observation[1, 2:, 0], [100, 101])
    last = seen[-1]
    np.testing.assert_array_equal(last.valid, np.ones((2, _LENGTH)))
    np.testing.assert_array_equal(last.observation[0, :, 0], [2, 3, 4, 5])
    np.testing.assert_array_equal(last.action[0, :, 1], [-2, -3, -4, -5])
    np.testing.assert_array_equal(last.next_observation, last.observation + 1)


def test_an_episode_that_begins_forgets_those_before_it_alone():
    seen = _played(2, {1: 5})
    np.testing.assert_array_equal(seen[5].valid, [[1, 1, 1, 1], [0, 0, 0, 0]])
    np.testing.assert_array_equal(seen[6].valid, [[1, 1, 1, 1], [0, 0, 0, 1]])
    np.testing.assert_array_equal(seen[6].observation[1, 3, 0], 105)
    np.testing.assert_array_equal(seen[6].next_observation[1, 3, 0], 106)


def test_its_spec_fits_the_state_of_every_step():
    window = TransitionWindow(3, 2, _LENGTH)
    state = window.empty(5)
    following, _ = window.observe(state, tf.zeros((5, 3)), tf.fill([5], True))
    following = window.record(following, tf.zeros((5, 2)))
    for made in (state, following):
        assert made.keys() == window.spec.keys()
        for name, spec in window.spec.items():
            assert made[name].shape == (5, *spec.shape)
            assert made[name].dtype == spec.dtype
