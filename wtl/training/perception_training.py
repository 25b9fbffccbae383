"""Training of perception, and estimation of the states of datasets with it."""

import pathlib

import numpy as np
import tensorflow as tf
import tqdm

from wtl.collection.worlds.entities import slot_order
from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.collection.worlds.tabletop import observation
from wtl.collection.worlds.tabletop.perception import config as configs
from wtl.collection.worlds.tabletop.perception import examples, loss
from wtl.collection.worlds.tabletop.perception.network import Perception
from wtl.datasets.contract import fields
from wtl.datasets.reading import reader
from wtl.policies import export
from wtl.policies.legacy_keras import tf_keras
from wtl.training import trainer
from wtl.training.perception_job import PerceiveJob, PerceptionJob

_BATCH = 32  # episodes read at once


def train(job: PerceptionJob) -> str:
    """Train perception; return the hash of its weights."""
    tf_keras.utils.set_random_seed(job.seed % 2**32)
    layout = observation.Layout(job.size)
    demos = reader.read(job.dataset_dir, fields.SPLIT_TRAIN, with_images=True)
    demos = demos.select(~demos[fields.INVALID])
    network = Perception(configs.of_embodiment(job.embodiment, job.size, job.pixels))
    source = examples.ExampleSource(
        slot_order.by_place(demos, layout),
        layout,
        job.training.window,
        job.embodiment,
    )
    trainer.train_with_progress(
        job.name,
        lambda found: {"position": f"{1000 * float(found.position):.1f} mm"},
        network,
        loss.loss,
        source,
        job.training,
        seed=job.seed,
        checkpoint_dir=job.policy_dir / "checkpoints",
        log_dir=job.log_dir,
    )
    return export.weights_hash(network.variables)


def perceive(job: PerceiveJob) -> str:
    """Write the estimated states of a dataset; return the path."""
    layout = observation.Layout(job.size)
    store = reader.read(job.dataset_dir, fields.SPLIT_TRAIN, with_images=True)
    network = load(job.perception_dir, job.embodiment, job.size, job.pixels)
    estimate = tf.function(network.perceive, reduce_retracing=True)
    own = job.embodiment is Embodiment.ROBOT
    found = np.empty_like(store.state)
    for start in tqdm.tqdm(range(0, len(store), _BATCH), desc="perceive", unit="batch"):
        part = slice(start, start + _BATCH)
        proprioception = layout.proprioception(store.state[part], own=own)
        found[part] = estimate(
            tf.constant(store.image[part]), tf.constant(proprioception)
        ).numpy()
    job.path.parent.mkdir(parents=True, exist_ok=True)
    incomplete = job.path.with_suffix(".incomplete.npy")
    np.save(incomplete, found)
    incomplete.rename(job.path)
    return str(job.path)


def load(
    perception_dir: pathlib.Path, embodiment: Embodiment, size: int, pixels: int
) -> Perception:
    """Load trained perception.

    Args:
      perception_dir: folder in which it was trained.
      embodiment: body that the images show.
      size: number of objects in a scene.
      pixels: height and width of the images.
    """
    network = Perception(configs.of_embodiment(embodiment, size, pixels))
    network.create()
    checkpoint = tf.train.latest_checkpoint(str(perception_dir / "checkpoints"))
    saved = tf.train.Checkpoint(network=network)
    saved.restore(checkpoint).assert_existing_objects_matched().expect_partial()
    return network
