"""The training loop, with a network of one layer."""

from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.progress import progress
from wtl.policies.legacy_keras import tf_keras
from wtl.training import trainer
from wtl.training.train_config import TrainConfig


class Losses(NamedTuple):
    total: tf.Tensor


class Numbers:
    """Draws x, of which the loss below wants the sum."""

    def draw(self, rng, count):
        return rng.normal(size=(count, 3)).astype(np.float32)

    def gather(self, rows):
        return rows


def _loss(network, rows, floor):
    del floor
    wanted = tf.reduce_sum(rows, axis=1, keepdims=True)
    return Losses(tf.reduce_mean(tf.square(network(rows) - wanted)))


def _network(layers: int = 1) -> tf_keras.Model:
    tf_keras.utils.set_random_seed(0)
    return tf_keras.Sequential([tf_keras.layers.Dense(1) for _ in range(layers)])


def _train(network, folder, steps: int):
    config = TrainConfig(steps=20, batch_size=8, learning_rate=0.2, checkpoint_every=5)

    class Stop(Exception):
        pass

    def on_step(done, losses):
        del losses
        if done == steps:
            raise Stop

    try:
        trainer.train(
            network,
            _loss,
            Numbers(),
            config,
            seed=0,
            checkpoint_dir=folder / "checkpoints",
            log_dir=folder / "logs",
            on_step=on_step,
        )
    except Stop:
        pass
    return network


def test_interrupted_training_ends_the_same(tmp_path):
    whole = _train(_network(), tmp_path / "whole", 20)
    _train(_network(), tmp_path / "parts", 13)
    resumed = _train(_network(), tmp_path / "parts", 20)
    for one, other in zip(whole.variables, resumed.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    assert np.abs(whole.variables[0].numpy() - 1).max() < 0.5


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    _train(_network(), tmp_path, 20)
    with pytest.raises(UserError, match="other parts.*remove its folder"):
        _train(_network(layers=2), tmp_path, 20)


def test_steps_of_an_interrupted_run_do_not_count_in_the_rate(tmp_path, monkeypatch):
    _train(_network(), tmp_path, 13)  # the last checkpoint is that of step 10
    bars = []
    monkeypatch.setattr(
        trainer, "progress", lambda **kw: bars.append(progress(**kw)) or bars[0]
    )
    trainer.train_with_progress(
        "resumed",
        lambda losses: {},
        _network(),
        _loss,
        Numbers(),
        TrainConfig(steps=20, batch_size=8, checkpoint_every=5),
        seed=0,
        checkpoint_dir=tmp_path / "checkpoints",
        log_dir=tmp_path / "logs",
    )
    assert (bars[0].initial, bars[0].n) == (10, 20)
