"""Numbers that float32 cannot hold are refused, not rounded."""

import numpy as np
import pytest

from wtl.datasets.contract import numbers

_WALL_CLOCK = 1.7e9 + np.arange(50) / 10


@pytest.mark.parametrize(
    "array",
    [
        np.array([[True], [False]]),
        np.array([[255], [0]], np.uint8),
        np.array([[-(2**24)], [2**24]]),
        np.array([[0.1], [np.pi], [1e-300]]),
        np.array([[60000.0], [60000.0]]),
        0.3 + 1e-9 * np.arange(5)[:, None],  # a joint that trembles
        np.array([[1.5], [np.nan]]),  # for other checks
        np.zeros((0, 3)),
    ],
)
def test_numbers_that_are_kept(array):
    found = numbers.float32("x", array)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, array.astype(np.float32))


@pytest.mark.parametrize(
    "array",
    [
        np.ones((3, 2)) * 1j,
        np.array([["a"], ["b"]]),
        np.array([[b"a"], [b"b"]], object),
        np.array([[2**24 + 1], [0]]),
        np.array([[2**63 - 1], [0]]),
        np.array([[1e39], [0.0]]),
        _WALL_CLOCK[:, None],
        np.array(["2026-01-01"], "M8[s]")[:, None],
    ],
)
def test_numbers_that_are_refused(array):
    with pytest.raises(ValueError, match="'x'"):
        numbers.float32("x", array)


@pytest.mark.parametrize(
    "times",
    [
        _WALL_CLOCK,
        np.arange(50) / 10,
        np.arange(1, 51, dtype=np.uint64) * 2,
        2**62 + np.arange(50),
    ],
)
def test_times_start_at_zero_and_keep_their_precision(times):
    found = numbers.seconds(times)
    step = float(times[-1] - times[0]) / 49
    np.testing.assert_allclose(found, np.arange(50) * step, atol=1e-6)


@pytest.mark.parametrize(
    "times",
    [
        _WALL_CLOCK.astype(np.float32),
        _WALL_CLOCK[::-1],
        [0.0, np.nan, 1.0],
        [0.0, 1.0, 1.0],
        [0j, 1j],
        ["0", "1"],
        [[0.0], [1.0]],
        np.array([5, 3], np.uint64),
    ],
)
def test_other_times_are_refused(times):
    with pytest.raises(ValueError, match="timestamps"):
        numbers.seconds(times)
