"""Trains perception, and reads datasets with it, each in a process of its own."""

import dataclasses
import json
import pathlib

import tqdm

from wtl import notices
from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.training.train_config import TrainConfig

_BATCH = 32  # episodes read at once


@dataclasses.dataclass(frozen=True)
class PerceptionJob:
    """All that a process needs to know to train perception.

    Attributes:
      size: number of objects in a scene.
      pixels: height and width of the images.
      dataset_dir: version folder of the demonstrations.
      embodiment: whose they are; other bodies than the robot's own are watched.
      training: hyper-parameters; the window is the number of later images for each
        first one.
      seed: of initial weights and batches.
      policy_dir: gets `checkpoints/`.
      log_dir: gets TensorBoard events.
      threads: of TensorFlow.
    """

    size: int
    pixels: int
    dataset_dir: pathlib.Path
    embodiment: Embodiment
    training: TrainConfig
    seed: int
    policy_dir: pathlib.Path
    log_dir: pathlib.Path
    threads: int
    name: str = "perception"

    def run(self) -> str:
        """Trains; returns the hash of the weights."""
        notices.quiet()
        with notices.Dropped():
            import tensorflow as tf

            from wtl.collection.worlds.entities import slot_order, task_distribution
            from wtl.collection.worlds.tabletop import observation
            from wtl.collection.worlds.tabletop.perception import config as configs
            from wtl.collection.worlds.tabletop.perception import loss as losses
            from wtl.collection.worlds.tabletop.perception import network as networks
            from wtl.datasets.contract import fields
            from wtl.datasets.reading import reader
            from wtl.policies import export
            from wtl.policies.legacy_keras import tf_keras
            from wtl.training import perception_examples, trainer

        _use(tf, self.threads)
        tf_keras.utils.set_random_seed(self.seed % 2**32)
        layout = observation.Layout(self.size)
        demos = reader.read(self.dataset_dir, task_distribution.TRAIN, with_images=True)
        demos = demos.select(~demos[fields.INVALID])
        network = networks.Perception(
            configs.of_embodiment(self.embodiment, self.size, self.pixels)
        )
        with tqdm.tqdm(
            total=self.training.steps, desc=f"train {self.name}", unit="step"
        ) as bar:

            def on_step(step, found):
                bar.update(step - bar.n)
                if found is not None:
                    bar.set_postfix(
                        position=f"{1000 * float(found.position):.1f} mm",
                        refresh=False,
                    )

            trainer.train(
                network,
                losses.loss,
                perception_examples.GlimpseSource(
                    slot_order.by_place(demos, layout),
                    layout,
                    self.training.window,
                    self.embodiment,
                ),
                self.training,
                seed=self.seed,
                checkpoint_dir=self.policy_dir / "checkpoints",
                log_dir=self.log_dir,
                on_step=on_step,
            )
        return export.weights_hash(network.variables)


@dataclasses.dataclass(frozen=True)
class PerceiveJob:
    """All that a process needs to know to read a dataset's images once.

    Attributes:
      size: number of objects in a scene.
      pixels: height and width of the images.
      dataset_dir: version folder whose training episodes are read.
      embodiment: whose they are.
      perception_dir: where perception was trained.
      path: gets float32[N, T, S] estimated states, in the order of the dataset.
      threads: of TensorFlow.
    """

    size: int
    pixels: int
    dataset_dir: pathlib.Path
    embodiment: Embodiment
    perception_dir: pathlib.Path
    path: pathlib.Path
    threads: int
    name: str = "perceiving"

    def run(self) -> str:
        """Reads the images; returns the path."""
        notices.quiet()
        with notices.Dropped():
            import numpy as np
            import tensorflow as tf

            from wtl.collection.worlds.entities import task_distribution
            from wtl.collection.worlds.tabletop import observation
            from wtl.datasets.reading import reader

        _use(tf, self.threads)
        layout = observation.Layout(self.size)
        store = reader.read(self.dataset_dir, task_distribution.TRAIN, with_images=True)
        network = load(self.perception_dir, self.embodiment, self.size, self.pixels)
        perceive = tf.function(network.perceive, reduce_retracing=True)
        found = np.empty_like(store.state)
        starts = range(0, len(store), _BATCH)
        for start in tqdm.tqdm(starts, desc="perceive", unit="batch"):
            part = slice(start, start + _BATCH)
            felt = layout.proprioception(
                store.state[part], own=self.embodiment is Embodiment.ROBOT
            )
            found[part] = perceive(
                tf.constant(store.image[part]), tf.constant(felt)
            ).numpy()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        incomplete = self.path.with_suffix(".incomplete.npy")
        np.save(incomplete, found)
        incomplete.rename(self.path)
        return str(self.path)


def load(perception_dir: pathlib.Path, embodiment: Embodiment, size: int, pixels: int):
    """Loads trained perception.

    Args:
      perception_dir: where it was trained.
      embodiment: whose images it sees.
      size: number of objects in a scene.
      pixels: height and width of the images.

    Returns:
      The `wtl.collection.worlds.tabletop.perception.network.Perception`.
    """
    import tensorflow as tf

    from wtl.collection.worlds.tabletop.perception import config as configs
    from wtl.collection.worlds.tabletop.perception import network as networks

    network = networks.Perception(configs.of_embodiment(embodiment, size, pixels))
    network.create()
    checkpoint = tf.train.latest_checkpoint(str(perception_dir / "checkpoints"))
    saved = tf.train.Checkpoint(network=network)
    saved.restore(checkpoint).assert_existing_objects_matched().expect_partial()
    return network


def read_id(perception_dir: pathlib.Path) -> str | None:
    """Hash of the weights of trained perception, None where there is none."""
    path = perception_dir / "policy.json"
    return json.loads(path.read_text())["policy_id"] if path.exists() else None


def _use(tf, threads: int):
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
