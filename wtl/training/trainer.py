"""Training loop: resumable, the same for every policy."""

import os
import pathlib
from collections.abc import Callable

import tensorflow as tf

from wtl.datasets.contract import seeding
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.progress import progress
from wtl.policies import checkpoints
from wtl.policies.legacy_keras import tf_keras
from wtl.training.cluster import Cluster
from wtl.training.examples import Example, ExampleSource
from wtl.training.train_config import TrainConfig

# (network, example, log sigma floor) -> losses; see `methods.record.PolicyKind`.
Loss = Callable[[tf_keras.Model, Example, tf.Tensor], tuple]


def log_sigma_floor(config: TrainConfig, step: int) -> float:
    """Return the floor of the mixture's log sigma at a step."""
    start, end = (share * config.steps for share in config.sigma_shares)
    share = min(max((step - start) / max(end - start, 1), 0.0), 1.0)
    first, last = config.sigma_floors
    return first + (last - first) * share


def optimizer(config: TrainConfig) -> tf_keras.optimizers.Optimizer:
    """Return the optimizer of a new network."""
    schedule = tf_keras.optimizers.schedules.CosineDecay(
        config.learning_rate, config.steps, alpha=0.02
    )
    return tf_keras.optimizers.Adam(schedule, global_clipnorm=config.gradient_norm)


class Step:
    """Gradient step, compiled once, that returns the losses of its batch."""

    def __init__(
        self,
        network: tf_keras.Model,
        loss: Loss,
        source: ExampleSource,
        config: TrainConfig,
        cluster: Cluster | None = None,
    ):
        """Create the weights of the network, and its optimizer.

        Args:
          network: trained in place.
          loss: loss of the network, see `wtl.policies.methods.record.PolicyKind`.
          source: source of examples.
          config: hyper-parameters.
          cluster: see `train`.
        """
        self.network = network
        self.optimizer = optimizer(config)
        self._loss = loss
        self._source = source
        self._cluster = cluster
        # Any rows will do: the call creates the variables.
        rows = source.draw(seeding.generator("build"), 2)
        loss(network, source.gather(rows), tf.constant(0.0))
        self._variables = network.trainable_variables
        self.optimizer.build(self._variables)

    # AutoGraph would take 4 s, a third of the start. With XLA a step takes a fifth less
    # time on a CPU, but results differ.
    @tf.function(autograph=False)
    def __call__(self, rows, log_sigma_floor: tf.Tensor):
        """Take a step.

        Args:
          rows: rows of `source.draw`; in a cluster the slice of this process.
          log_sigma_floor: floor of the mixture.
        """
        if not self._cluster:
            return self._replica(rows, log_sigma_floor)
        strategy = tf.distribute.get_strategy()
        found = strategy.run(self._replica, (rows, log_sigma_floor))
        mean = tf.distribute.ReduceOp.MEAN
        return type(found)(*(strategy.reduce(mean, value, None) for value in found))

    def _replica(self, rows, log_sigma_floor):
        example = self._source.gather(rows)
        with tf.GradientTape() as tape:
            result = self._loss(self.network, example, log_sigma_floor)
            total = result.total
            if self._cluster:  # the optimizer sums the gradients of all
                total /= len(self._cluster.workers)
        gradients = tape.gradient(total, self._variables)
        pairs = zip(gradients, self._variables, strict=True)
        self.optimizer.apply_gradients(pairs)
        return result


def train(
    network: tf_keras.Model,
    loss: Loss,
    source: ExampleSource,
    config: TrainConfig,
    *,
    seed: int,
    checkpoint_dir: pathlib.Path,
    log_dir: pathlib.Path,
    on_step: Callable[[int, tuple | None], None] = lambda *_: None,
    cluster: Cluster | None = None,
) -> None:
    """Train a network, from its last checkpoint if there is one.

    Args:
      network: trained in place.
      loss: loss of the network, see `wtl.policies.methods.record.PolicyKind`.
      source: source of examples.
      config: hyper-parameters.
      seed: the examples of step i are drawn from (seed, i), so that an interrupted
        and resumed run gets the same.
      checkpoint_dir: folder of checkpoints of weights and optimizer.
      log_dir: folder of TensorBoard events.
      on_step: called after each step with its number and, when it is logged, its
        losses.
      cluster: processes that train it together, under whose strategy the network was
        made and this is called; they share each batch. None to train alone.

    Raises:
      UserError: if the last checkpoint is of a network with other parts.
    """
    update = Step(network, loss, source, config, cluster)
    step = tf.Variable(0, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(
        network=network, optimizer=update.optimizer, step=step
    )
    if cluster:
        # Else created when the chief saves, which would wait for the others.
        _ = checkpoint.save_counter
    checkpoint_dir.mkdir(parents=True, exist_ok=True)
    folder = checkpoints.literal(checkpoint_dir)
    manager = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=2)
    _restore(checkpoint, manager)
    writes = cluster is None or cluster.is_chief
    writer = tf.summary.create_noop_writer()
    if writes:
        writer = tf.summary.create_file_writer(str(log_dir))
    with writer.as_default():
        while int(step.numpy()) < config.steps:
            rng = seeding.generator(seed, "batch", int(step.numpy()))
            rows = source.draw(rng, config.batch_size)
            if cluster:
                rows = cluster.slice(rows)
            floor = log_sigma_floor(config, int(step.numpy()))
            result = update(rows, tf.constant(floor, tf.float32))
            step.assign_add(1)
            done = int(step.numpy())
            logged = done % config.log_every == 0 or done == config.steps
            if logged:
                for name, value in result._asdict().items():
                    tf.summary.scalar(name, value, step=done)
            kept = done % config.checkpoint_every == 0 or done == config.steps
            if kept and writes:
                manager.save(done)
            on_step(done, result if logged else None)
    writer.close()


def train_with_progress(
    name: str,
    describe: Callable[[tuple], dict[str, str]],
    network: tf_keras.Model,
    loss: Loss,
    source: ExampleSource,
    config: TrainConfig,
    row: int = 0,
    **settings,
) -> None:
    """Call `train` with a progress bar on a row of the terminal.

    The bar shows `name` and the texts of `describe`: losses -> text by name. Other
    arguments are those of `train`.
    """
    with progress(
        total=config.steps,
        desc=f"train {name}",
        unit="step",
        position=row,
        mininterval=1.0,
    ) as bar:

        def on_step(step: int, losses: tuple | None):
            if not bar.n:  # steps of an interrupted run took none of this time
                bar.initial = bar.n = step - 1
            bar.update(step - bar.n)
            if losses is not None:
                bar.set_postfix(**describe(losses), refresh=False)

        train(network, loss, source, config, on_step=on_step, **settings)


def _restore(checkpoint: tf.train.Checkpoint, manager: tf.train.CheckpointManager):
    """Restore the last checkpoint completely, if there is one."""
    if manager.latest_checkpoint is None:
        return
    restored = checkpoint.restore(manager.latest_checkpoint)
    try:
        # Variables that it lacks would silently stay untrained.
        restored.assert_existing_objects_matched()
    except AssertionError as error:
        path = os.path.realpath(manager.latest_checkpoint)
        raise UserError(
            f"{path} is of a network with other parts, as another version of WTL made "
            "it; remove its folder to train anew"
        ) from error
