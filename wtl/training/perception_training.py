"""Training of perception, and estimation of the states of datasets with it."""

import pathlib

import numpy as np
import tensorflow as tf

from wtl.collection.worlds import registry
from wtl.datasets.contract import fields
from wtl.datasets.contract.progress import progress
from wtl.datasets.reading import reader
from wtl.datasets.sampling.held_out import held_out
from wtl.policies import checkpoints, export
from wtl.policies.legacy_keras import tf_keras
from wtl.training import trainer
from wtl.training.perception_job import PerceiveJob, PerceptionJob

_BATCH = 32  # episodes read at once, fewer of those that are long
_BATCH_STEPS = 2048


def train(job: PerceptionJob) -> str:
    """Train perception; return the hash of its weights."""
    tf_keras.utils.set_random_seed(job.seed % 2**32)
    world = registry.get(job.world)
    perception, layout = world.perception(), world.encoder(job.size)
    demos = reader.read(job.dataset_dir, fields.SPLIT_TRAIN, images=job.images)
    usable = ~demos[fields.INVALID]
    if world.make_env is None:
        usable &= ~held_out(job.dataset_dir, demos)
    demos = demos.select(usable)
    network = perception.create(layout, job.images, job.is_human)
    source = perception.examples(
        perception.by_place(demos, layout), layout, job.training.window, job.is_human
    )
    perception.adapt(network, source, job.seed)
    trainer.train_with_progress(
        job.name,
        perception.describe,
        network,
        perception.loss,
        source,
        job.training,
        seed=job.seed,
        checkpoint_dir=job.policy_dir / "checkpoints",
        log_dir=job.log_dir,
    )
    return export.weights_hash(network.variables)


def perceive(job: PerceiveJob) -> str:
    """Write the estimated states of a dataset; return the path."""
    world = registry.get(job.world)
    layout = world.encoder(job.size)
    store = reader.read(job.dataset_dir, fields.SPLIT_TRAIN, images=job.images)
    network = world.perception().create(layout, job.images, job.is_human)
    restore(network, job.perception_dir)
    estimate = tf.function(network.perceive, reduce_retracing=True, autograph=False)
    own = not job.is_human
    found = np.empty((*store.state.shape[:2], layout.state_size), np.float32)
    size = max(1, min(_BATCH, _BATCH_STEPS // found.shape[1]))
    for start in progress(range(0, len(store), size), desc="perceive", unit="batch"):
        part = slice(start, start + size)
        proprioception = layout.proprioception(store.state[part], own=own)
        images = {name: tf.constant(a[part]) for name, a in store.images.items()}
        found[part] = estimate(images, tf.constant(proprioception)).numpy()
    job.path.parent.mkdir(parents=True, exist_ok=True)
    incomplete = job.path.with_suffix(".incomplete.npy")
    np.save(incomplete, found)
    incomplete.rename(job.path)
    return str(job.path)


def restore(network: tf_keras.Model, perception_dir: pathlib.Path):
    """Load the weights of a trained perception model.

    Args:
      network: made by the perception of a world.
      perception_dir: folder in which it was trained.
    """
    network.create()
    checkpoint = tf.train.latest_checkpoint(
        checkpoints.literal(perception_dir / "checkpoints")
    )
    saved = tf.train.Checkpoint(network=network)
    saved.restore(checkpoint).assert_existing_objects_matched().expect_partial()
