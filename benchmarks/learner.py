"""Training steps: from datasets, on one repeated batch, and by hand."""

import dataclasses
import itertools

import tensorflow as tf

from benchmarks import comparison
from benchmarks.demonstrations import suite
from benchmarks.workload import workload
from wtl.collection.worlds.entities.relabel import EntityRelabeller
from wtl.datasets.contract import seeding
from wtl.datasets.reading import reader
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.sampling.sampler import Sampler
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.methods import METHODS, Method
from wtl.training import train_config, trainer
from wtl.training.examples import ExampleSource
from wtl.training.policy_config import config_for

_TASKS = 20
_STEPS = 10
_METHOD = "wtl"  # has demonstrations and trials as context


def run() -> list[comparison.Comparison]:
    """Measure steps as of the headline result, without logs and checkpoints."""
    with workload(_TASKS) as work:
        trials = reader.read(work.publish_trials())
        return _measure(reader.read(work.actor.demos_dir), trials)


def _measure(demos: EpisodeStore, trials: EpisodeStore) -> list[comparison.Comparison]:
    config = train_config.TrainConfig()
    method = METHODS[_METHOD]
    method = dataclasses.replace(method, config=config_for(_METHOD, suite(_TASKS)))
    layout = method.config.layout
    relabeller = EntityRelabeller(demos, layout, trials, identity_share=0.6)
    draws = Sampler(demos, relabeller, trials=trials)
    source = ExampleSource(demos, demos, trials, draws, method.config, config.window)
    tf_keras.utils.set_random_seed(0)
    network = method.kind.network(method.config)
    step = trainer.Step(network, method.kind.loss, source, config)
    by_hand = _by_hand(method, config)
    floor = tf.constant(trainer.log_sigma_floor(config, 0))
    numbers = itertools.count()

    def draw():
        rng = seeding.generator(0, "batch", next(numbers))
        return source.draw(rng, config.batch_size)

    rows = tf.nest.map_structure(tf.constant, draw())
    example = source.gather(rows)

    def train() -> int:
        for _ in range(_STEPS):
            step(draw(), floor)
        return _STEPS

    def train_on_one_batch() -> int:
        for _ in range(_STEPS):
            step(rows, floor)
        return _STEPS

    def train_by_hand() -> int:
        for _ in range(_STEPS):
            by_hand(example, floor)
        return _STEPS

    return [
        comparison.compare(
            "training from datasets / on one batch",
            train,
            train_on_one_batch,
            unit="steps",
            goal=0.9,
        ),
        comparison.compare(
            "training on one batch / a tf.function by hand",
            train_on_one_batch,
            train_by_hand,
            unit="steps",
            goal=1 / 1.1,
        ),
    ]


def _by_hand(method: Method, config: train_config.TrainConfig):
    """Return the same step with nothing of ours but network and loss."""
    network = method.kind.network(method.config)
    optimizer = tf_keras.optimizers.Adam(
        tf_keras.optimizers.schedules.CosineDecay(
            config.learning_rate, config.steps, alpha=0.02
        )
    )

    @tf.function
    def step(example, floor):
        with tf.GradientTape() as tape:
            losses = method.kind.loss(network, example, floor)
        variables = network.trainable_variables
        gradients = tape.gradient(losses.total, variables)
        gradients, _ = tf.clip_by_global_norm(gradients, config.gradient_norm)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return losses

    return step
