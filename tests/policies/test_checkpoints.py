"""Checkpoints and saved models in folders whose names look like patterns."""

import pytest
import tensorflow as tf

from wtl.policies import checkpoints


@pytest.mark.parametrize("name", ("lr=[0.1]", "a*b?", "plain, é ~"))
def test_any_folder_keeps_two_checkpoints_and_loads(name, tmp_path):
    folder = tmp_path / name
    folder.mkdir()
    value = tf.Variable(0.0)
    manager = tf.train.CheckpointManager(
        tf.train.Checkpoint(value=value), checkpoints.literal(folder), max_to_keep=2
    )
    for step in range(1, 4):
        value.assign(step)
        manager.save(step)
    assert len(list(folder.glob("*.index"))) == 2
    tf.saved_model.save(tf.train.Checkpoint(value=value), str(folder / "model"))
    value.assign(0)
    latest = tf.train.latest_checkpoint(checkpoints.literal(folder))
    tf.train.Checkpoint(value=value).restore(latest).assert_consumed()
    assert value.numpy() == 3
    loaded = tf.saved_model.load(checkpoints.literal(folder / "model"))
    assert loaded.value.numpy() == 3


def test_a_folder_made_anew_is_another(tmp_path):
    folder = tmp_path / "[a]"
    folder.mkdir()
    first = checkpoints.literal(folder)
    folder.rename(tmp_path / "[b]")
    folder.mkdir()
    assert checkpoints.literal(folder) != first
    assert checkpoints.literal(tmp_path / "[c]") == str(tmp_path / "[c]")
