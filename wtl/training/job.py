"""Job that trains the policy of a method."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from wtl.policies.interface import Interface
from wtl.policies.methods import Method
from wtl.training import process
from wtl.training.cluster import Cluster, meet
from wtl.training.train_config import EndToEndConfig, TrainConfig


@dataclasses.dataclass(frozen=True)
class TrainJob:
    """Job of a training process.

    Attributes:
      method: record of the method; the process need not know it by name.
      config: configuration of its network and of what it is given.
      datasets: version folder of each dataset that the method is given.
      trial_policy_id: only its trials are given.
      retrial_policy_id: only its second round is given.
      world: name of the world of the tasks.
      relabel: keyword arguments of its `World.relabel`.
      sampler: keyword arguments of `wtl.datasets.sampling.sampler.Sampler`.
      training: hyper-parameters of the training.
      seed: seed of initial weights and batches.
      policy_dir: gets `checkpoints/`, `saved_model/` and the learning curve.
      log_dir: gets TensorBoard events.
      threads: threads of TensorFlow.
      row: line of the terminal for the progress bar.
      images: height and width of the images to act on, by name; none to act on the
        state.
      perception_dir: folder of trained perception, for policies that act on images.
      watching_dir: folder of trained perception of human videos, for image policies
        that are given them.
      perceived: file of the states estimated from the images of each dataset.
      perceived_labels: whether the entities that episodes acted on, and their
        identities and places, are read from those states and not from the simulator's.
      left_out_tasks: ids of the tasks that it is not trained on.
      end_to_end: hyper-parameters of training perception and policy together
        afterwards; None to leave perception unchanged.
      cluster: processes that train together; they write only checkpoints, from which
        the same job without a cluster saves the policy. None to train alone.
    """

    method: Method
    config: Interface
    datasets: Mapping[str, pathlib.Path]
    trial_policy_id: str | None
    retrial_policy_id: str | None
    world: str
    relabel: dict[str, Any]
    sampler: dict[str, Any]
    training: TrainConfig
    seed: int
    policy_dir: pathlib.Path
    log_dir: pathlib.Path
    threads: int
    row: int = 0
    images: Mapping[str, tuple[int, int]] = dataclasses.field(default_factory=dict)
    perception_dir: pathlib.Path | None = None
    watching_dir: pathlib.Path | None = None
    perceived: Mapping[str, pathlib.Path] = dataclasses.field(default_factory=dict)
    perceived_labels: bool = False
    left_out_tasks: frozenset[str] = frozenset()
    end_to_end: EndToEndConfig | None = None
    cluster: Cluster | None = None

    @property
    def name(self) -> str:
        """Name of the job in messages."""
        return f"the training of {self.method.name}"

    def run(self) -> str:
        """Train and save the policy; return its id, empty from a cluster."""
        policy_training = process.load("wtl.training.policy_training", self.threads)
        if not self.cluster:
            return policy_training.train(self)
        # Before anything is read: the chief may still be preparing it.
        strategy = self.cluster.strategy()
        with strategy.scope():
            made = policy_training.train(self)
        meet(strategy)  # all end this job before any begins the next
        return made
