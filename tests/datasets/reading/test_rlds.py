"""The transformations of the `rlds` package work on our datasets."""

import importlib.util
import sys
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from wtl.datasets.contract import fields
from wtl.datasets.storage import publish
from wtl.datasets.storage.staging import StagingWriter
from wtl.datasets.testing.fakes import SPEC, fake_episode

# `rlds` imports Reverb for one transformation, `pattern_map`; there is no Reverb for
# this TensorFlow, and all else works without.
if importlib.util.find_spec("reverb") is None:
    sys.modules["reverb"] = mock.MagicMock()
rlds = pytest.importorskip("rlds")
_EPISODES = {
    e.id: e for e in (fake_episode(i, transitions=(3, 5, 8)[i]) for i in range(3))
}


@pytest.fixture(scope="module")
def episodes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    with StagingWriter(folder / "staged", SPEC) as writer:
        writer.append(_EPISODES.values())
    version = publish.publish(
        folder / "staged", folder, fields.WTL_DEMOS, "1.0.0", SPEC, {}
    )
    return tfds.builder_from_directory(version).as_dataset(split="train")


def _pairs(episodes):
    """Our episodes with the steps that TFDS reads."""
    for episode in episodes:
        yield _EPISODES[episode["episode_id"].numpy().decode()], episode[rlds.STEPS]


def test_every_step_has_the_fields_of_rlds(episodes):
    steps = episodes.element_spec[rlds.STEPS].element_spec
    assert set(rlds.CORE_STEP_FIELDS) <= set(steps)


def test_lengths_and_final_steps(episodes):
    for ours, steps in _pairs(episodes):
        assert int(rlds.transformations.episode_length(steps)) == len(ours)
        last = rlds.transformations.final_step(steps)
        assert bool(last[rlds.IS_LAST]) and not np.any(last[rlds.ACTION])
        np.testing.assert_array_equal(
            last[rlds.OBSERVATION]["state"], ours.steps["state"][-1]
        )


def test_sums_over_steps_and_episodes(episodes):
    def reward(step):
        return step[rlds.REWARD]

    for ours, steps in _pairs(episodes):
        total = float(rlds.transformations.sum_dataset(steps, reward))
        assert total == ours.steps["reward"].sum() == 1.0
    assert float(rlds.transformations.sum_nested_steps(episodes, reward)) == 3.0


def test_batches_of_two_are_transitions(episodes):
    for ours, steps in _pairs(episodes):
        pairs = rlds.transformations.batch(steps, size=2, shift=1, drop_remainder=True)
        states = np.stack([p[rlds.OBSERVATION]["state"] for p in pairs])
        state = ours.steps["state"]
        np.testing.assert_array_equal(states[:, 0], state[:-1])
        np.testing.assert_array_equal(states[:, 1], state[1:])


def test_steps_are_mapped_in_episodes_and_alone(episodes):
    def double(step):
        return {rlds.ACTION: 2 * step[rlds.ACTION]}

    mapped = rlds.transformations.map_nested_steps(episodes, double)
    for ours, steps in _pairs(mapped):
        action = np.stack([step[rlds.ACTION] for step in steps])
        np.testing.assert_array_equal(action[:-1], 2 * ours.steps["action"][:-1])
    ours, steps = next(_pairs(episodes))
    found = list(rlds.transformations.map_steps(steps, double))
    assert len(found) == len(ours)


def test_episodes_are_cut_where_a_condition_holds(episodes):
    for ours, steps in _pairs(episodes):
        when = ours.steps["timestamp"][2]
        cut = rlds.transformations.truncate_after_condition(
            steps, lambda step, when=when: step["timestamp"] >= when
        )
        assert len(list(cut)) == 3


def test_rewards_are_shifted_to_another_alignment(episodes):
    # Ours follows the action in the same step; in others it comes with what followed.
    for ours, steps in _pairs(episodes):
        shifted = rlds.transformations.shift_keys(steps, [rlds.REWARD], -1)
        reward = np.stack([step[rlds.REWARD] for step in shifted])
        state = np.stack([step[rlds.OBSERVATION]["state"] for step in shifted])
        np.testing.assert_array_equal(reward, ours.steps["reward"][:-1])
        np.testing.assert_array_equal(state, ours.steps["state"][1:])


def test_statistics_leave_out_what_follows_the_end(episodes):
    def fields_of(step):
        data, mask = rlds.transformations.sar_fields_mask(step)
        return (
            {rlds.ACTION: data[rlds.ACTION]},
            {rlds.ACTION: tf.cast(mask[rlds.ACTION], tf.bool)},
        )

    mean, deviation = rlds.transformations.mean_and_std(episodes, fields_of)
    actions = np.concatenate([e.steps["action"][:-1] for e in _EPISODES.values()])
    np.testing.assert_allclose(mean[rlds.ACTION], actions.mean(0), rtol=1e-5)
    np.testing.assert_allclose(
        deviation[rlds.ACTION], actions.std(0, ddof=1), rtol=1e-5
    )
