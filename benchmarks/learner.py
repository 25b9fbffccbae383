"""Training steps: from the datasets, on one batch again and again, and by hand."""

import dataclasses
import itertools
import pathlib
import tempfile

import tensorflow as tf

from benchmarks import comparison, demonstrations, untrained
from wtl.datasets.contract import seeding
from wtl.datasets.reading import reader
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.sampling.sampler import Sampler
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.methods import METHODS, Method
from wtl.training import trainer
from wtl.training.examples import ExampleSource

_TASKS = 20
_STEPS = 10
_METHOD = "wtl"  # is shown demonstrations and trials


def run() -> list[comparison.Comparison]:
    """Measures steps as of the headline result, without logs and checkpoints."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        wanted = demonstrations.requests(_TASKS)
        demos = demonstrations.publish(root, wanted)
        source = untrained.save("mil", root / "policy", demos)
        trials = untrained.publish_trials(root, source, wanted)
        return measure(reader.read(demos), reader.read(trials))


def measure(demos: EpisodeStore, trials: EpisodeStore) -> list[comparison.Comparison]:
    """Measures steps of training with these episodes."""
    config = trainer.TrainConfig()
    method = METHODS[_METHOD]
    method = dataclasses.replace(
        method, config=dataclasses.replace(method.config, size=demonstrations.SIZE)
    )
    layout = method.config.layout
    draws = Sampler(demos, layout, identity_share=0.6, trials=trials)
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


def _by_hand(method: Method, config: trainer.TrainConfig):
    """The same step without anything of ours but network and loss."""
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
