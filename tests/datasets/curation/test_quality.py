"""Measures of episodes, against recordings that are bad in one known way."""

import dataclasses

import numpy as np
import pytest

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.observation import observed
from wtl.datasets.curation import quality
from wtl.datasets.format import decoding
from wtl.datasets.format.encoding import encode
from wtl.datasets.testing.fakes import SPEC, fake_episode


def _measured(episode, spec=SPEC):
    features = decoding.split(encode(episode))
    return quality.measure(features, spec, episode.metadata[fields.CONTROL_HZ])


def _with(episode, **steps):
    return dataclasses.replace(episode, steps=dict(episode.steps) | steps)


def _acting(actions):
    """An episode of these [T, 3] actions; the last axis is the fingers'."""
    actions = np.array(actions, np.float32)
    episode = fake_episode(transitions=len(actions))
    return _with(episode, action=np.vstack([actions, np.zeros((1, 3), np.float32)]))


def test_what_is_measured_of_a_good_episode():
    measured = _measured(fake_episode(transitions=5))
    assert (measured.transitions, measured.reward, measured.late) == (5, 1.0, 0)
    assert measured.seconds == pytest.approx(0.5)
    assert measured.idle == 0.0 and measured.saturated == 0.0
    assert measured.flags == ()


@pytest.mark.parametrize(
    "actions, idle",
    [
        ([[0.5, 0, 1]] * 4, 0.0),
        ([[0, 0, 1]] * 4, 1.0),
        # Holding still at the end is not idling; pausing before is.
        ([[0.5, 0, 1], [0.5, 0, 1], [0, 0, 1], [0, 0, 1]], 0.0),
        ([[0.5, 0, 1], [0, 0, 1], [0, 0, 1], [0.5, 0, 1]], 0.5),
        # Fingers that open or close are doing something.
        ([[0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, -1]], 0.75),
        ([[0.01, -0.01, 1]] * 9 + [[0.5, 0, 1]], 0.9),
    ],
)
def test_idle_is_what_is_waited_before_the_last_move(actions, idle):
    measured = _measured(_acting(actions))
    assert measured.idle == pytest.approx(idle)
    assert ("idle" in measured.flags) == (idle > 0.8)


def test_actions_at_their_limits_are_counted_without_the_fingers():
    measured = _measured(_acting([[1, 0.2, 1], [-1, 0.3, 1], [0.4, 0.5, -1]]))
    assert measured.saturated == pytest.approx(2 / 6)
    assert measured.flags == ("saturated",)
    assert _measured(_acting([[0.9, 0.9, 1]] * 3)).saturated == 0.0


@pytest.mark.parametrize(
    "timestamp, late",
    [
        ([0, 0.1, 0.2, 0.3, 0.4, 0.5], 0),
        ([0, 0.11, 0.2, 0.3, 0.4, 0.5], 0),
        ([0, 0.1, 0.2, 0.35, 0.4, 0.5], 2),
        ([0, 0.1, 0.2, 0.3, 0.4, 1.5], 1),
        ([0, 0, 0, 0, 0, 0], 5),
    ],
)
def test_steps_off_the_control_rate_are_counted(timestamp, late):
    episode = _with(fake_episode(), timestamp=np.array(timestamp, np.float32))
    measured = _measured(episode)
    assert measured.late == late
    assert ("off-rate" in measured.flags) == (late > 0)


def test_the_digest_is_of_what_was_seen_and_done():
    one, other = fake_episode(1), fake_episode(2)
    again = dataclasses.replace(one, metadata=other.metadata)
    assert _measured(one).digest == _measured(again).digest
    state = one.steps[fields.STATE].copy()
    state[3, 2] += 1
    digests = {_measured(e).digest for e in (one, other, _with(one, state=state))}
    assert len(digests) == 3


def test_videos_without_actions_are_told_apart_by_their_images():
    spec = EpisodeSpec(observed(pixels=16))
    one, other = (_measured(fake_episode(i, spec), spec) for i in (1, 2))
    assert one.digest != other.digest
    assert one.flags == () and one.reward == 0.0


def test_bytes_that_are_no_episode_are_refused():
    features = decoding.split(encode(fake_episode()))
    del features[fields.step_key(fields.ACTION)]
    with pytest.raises(decoding.DecodeError):
        quality.measure(features, SPEC, 10.0)
