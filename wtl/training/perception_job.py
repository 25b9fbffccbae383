"""Jobs that train perception and that estimate the states of datasets with it."""

import dataclasses
import pathlib
from collections.abc import Mapping

from wtl.training import process
from wtl.training.train_config import TrainConfig

_MODULE = "wtl.training.perception_training"


@dataclasses.dataclass(frozen=True, kw_only=True)
class _ImageJob:
    """Job on the images of a dataset.

    Attributes:
      world: name of the world.
      size: number of entities of each kind in a scene.
      images: height and width of the images by name.
      dataset_dir: version folder of the dataset; training episodes are read.
      is_human: whether they are videos of the simulated human.
      threads: threads of TensorFlow.
    """

    world: str
    size: int
    images: Mapping[str, tuple[int, int]]
    dataset_dir: pathlib.Path
    is_human: bool
    threads: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class PerceptionJob(_ImageJob):
    """Job that trains perception.

    Attributes:
      training: hyper-parameters; the window is the number of later images for each
        first one.
      seed: seed of initial weights and batches.
      policy_dir: gets `checkpoints/`.
      log_dir: gets TensorBoard events.
      name: name of the perception model.
    """

    training: TrainConfig
    seed: int
    policy_dir: pathlib.Path
    log_dir: pathlib.Path
    name: str = "perception"

    def run(self) -> str:
        """Train; return the hash of the weights."""
        return process.load(_MODULE, self.threads).train(self)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PerceiveJob(_ImageJob):
    """Job that estimates the states of all images of a dataset.

    Attributes:
      perception_dir: folder of the trained perception model.
      path: gets float32[N, T, S] estimated states, in the order of the dataset.
      name: name of the job in messages.
    """

    perception_dir: pathlib.Path
    path: pathlib.Path
    name: str = "perceiving"

    def run(self) -> str:
        """Estimate the states; return the path."""
        return process.load(_MODULE, self.threads).perceive(self)
