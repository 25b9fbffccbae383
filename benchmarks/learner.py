"""Training steps: from datasets, on one repeated batch, and by hand."""

import dataclasses
import functools
import itertools

import tensorflow as tf

from benchmarks import comparison
from benchmarks.demonstrations import suite
from benchmarks.workload import Workload, workload
from wtl.collection.worlds.entities.relabel import EntityRelabeller
from wtl.datasets.contract import seeding
from wtl.datasets.reading import reader
from wtl.datasets.sampling.sampler import Sampler
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.methods import METHODS
from wtl.training import trainer
from wtl.training.examples import ExampleSource
from wtl.training.policy_config import config_for
from wtl.training.train_config import TrainConfig

_TASKS = 20
_STEPS = 10
_METHOD = "wtl"  # has demonstrations and trials as context


class Training:
    """Training of a method as of the headline result, without logs and checkpoints.

    Attributes:
      source: source of the examples.
    """

    def __init__(self, work: Workload, name: str, trials=None):
        """Prepare a network and its examples.

        Args:
          work: has the demonstrations.
          name: of the method.
          trials: store of trials, if the method has them as context.
        """
        self.config = TrainConfig()
        config = config_for(name, suite(_TASKS))
        self.method = dataclasses.replace(METHODS[name], config=config)
        demos = reader.read(work.actor.demos_dir)
        relabeller = EntityRelabeller(demos, config.layout, trials, identity_share=0.6)
        draws = Sampler(demos, relabeller, trials=trials)
        self.source = ExampleSource(
            demos, demos, trials, draws, config, self.config.window
        )
        tf_keras.utils.set_random_seed(0)
        self._step = trainer.Step(
            self.network(), self.method.kind.loss, self.source, self.config
        )
        self._numbers = itertools.count()
        self.floor = tf.constant(trainer.log_sigma_floor(self.config, 0))

    def network(self) -> tf_keras.Model:
        """Return a new network."""
        return self.method.kind.network(self.method.config)

    def draw(self):
        """Draw the rows of the next batch."""
        rng = seeding.generator(0, "batch", next(self._numbers))
        return self.source.draw(rng, self.config.batch_size)

    def step(self, rows=None):
        """Take a step, by default on the next batch."""
        self._step(self.draw() if rows is None else rows, self.floor)


def run() -> list[comparison.Comparison]:
    """Measure steps."""
    with workload(_TASKS) as work:
        training = Training(work, _METHOD, reader.read(work.publish_trials()))
    rows = tf.nest.map_structure(tf.constant, training.draw())
    example = training.source.gather(rows)
    compare = functools.partial(comparison.compare, unit="steps", calls=_STEPS)
    return [
        compare(
            "training from datasets / on one batch",
            training.step,
            lambda: training.step(rows),
            goal=0.9,
        ),
        compare(
            "training on one batch / a tf.function by hand",
            lambda: training.step(rows),
            functools.partial(_by_hand(training), example, training.floor),
            goal=1 / 1.1,
        ),
    ]


def _by_hand(training: Training):
    """Return the same step with nothing of ours but network, loss and optimizer."""
    network, loss = training.network(), training.method.kind.loss
    optimizer = trainer.optimizer(training.config)

    @tf.function
    def step(example, floor):
        with tf.GradientTape() as tape:
            losses = loss(network, example, floor)
        variables = network.trainable_variables
        gradients = tape.gradient(losses.total, variables)
        gradients, _ = tf.clip_by_global_norm(gradients, training.config.gradient_norm)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return losses

    return step
