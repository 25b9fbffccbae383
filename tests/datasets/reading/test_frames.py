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
