"""Frames span whole episodes."""

import numpy as np

from wtl.datasets.reading import frames
from wtl.datasets.reading.store import stack
from wtl.datasets.testing.fakes import SPEC, fake_episode


def test_frames_span_the_whole_episode():
    store = stack([fake_episode(i, transitions=4 + i) for i in range(9)])
    found = frames.resample(store, 7)
    assert found.state.shape == (len(store), 7, SPEC.state_size)
    np.testing.assert_array_equal(found.state[:, 0], store.state[:, 0])
    np.testing.assert_array_equal(found.state[:, -1], store.state[:, -1])


def test_actions_of_intervals_add_up_to_those_of_the_episode():
    """So that the change of the state until the next frame is due to them."""
    store = stack([fake_episode(i, transitions=3 + 5 * i) for i in range(5)])
    found = frames.resample(store, 6, interval_actions=True)
    taken = frames.resample(store, 6)
    np.testing.assert_array_equal(found.state, taken.state)
    for i, length in enumerate(store.length):
        index = np.rint(np.linspace(0, 1, 6) * (length - 1)).astype(int)
        steps = np.diff(index)
        total = (found.action[i, :-1] * steps[:, None]).sum(axis=0)
        wanted = store.action[i, : length - 1].sum(axis=0)
        np.testing.assert_allclose(total, wanted, rtol=1e-4, atol=1e-5)
        if (steps < 2).all():  # too short for more than one action in an interval
            np.testing.assert_allclose(found.action[i], taken.action[i], rtol=1e-6)
    assert not np.allclose(found.action[-1], taken.action[-1])
