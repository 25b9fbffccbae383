"""Trains one method in a process of its own."""

import dataclasses
import pathlib
from typing import Any

from wtl import notices
from wtl.collection.worlds.entities.task_distribution import Suite
from wtl.training.cluster import Cluster, meet


@dataclasses.dataclass(frozen=True)
class TrainJob:
    """All that a training process needs to know.

    Attributes:
      method: key of `wtl.policies.methods.METHODS`.
      suite: the tasks.
      demos_dir: version folder of the demonstrations.
      trials_dir: version folder of the trials, for methods that see them.
      trial_policy_id: only its trials are shown.
      retrials_dir: version folder of a second round of trials, for methods that see
        them.
      retrial_policy_id: only its second round is shown.
      sampler: keyword arguments of `wtl.datasets.sampling.sampler.Sampler`.
      config: fields of `wtl.training.trainer.TrainConfig`.
      overrides: fields of the method's config that differ from `METHODS`.
      seed: of initial weights and batches.
      policy_dir: gets `checkpoints/`, `saved_model/` and the learning curve.
      log_dir: gets TensorBoard events.
      threads: of TensorFlow.
      videos_dir: version folder of the videos of humans, for methods shown them.
      row: line of the terminal for the progress bar.
      pixels: height and width of the images to act on; 0 to act on the state.
      perception_dir: where perception was trained, for policies that act on images.
      perceived_demos: file of the states estimated from the demonstrations' images.
      perceived_trials: likewise of the trials.
      watching_dir: where perception of videos of humans was trained, for policies on
        images that are shown them.
      perceived_videos: likewise of these videos.
      end_to_end: fields of `wtl.training.end_to_end.EndToEndConfig`, to go on with
        training perception and policy together; None to leave perception as it is.
      cluster: processes that train together; they write checkpoints alone, from which
        the same job without a cluster saves the policy. None to train alone.
    """

    method: str
    suite: Suite
    demos_dir: pathlib.Path
    trials_dir: pathlib.Path | None
    trial_policy_id: str
    sampler: dict[str, Any]
    config: dict[str, Any]
    overrides: dict[str, Any]
    seed: int
    policy_dir: pathlib.Path
    log_dir: pathlib.Path
    threads: int
    retrials_dir: pathlib.Path | None = None
    retrial_policy_id: str = ""
    videos_dir: pathlib.Path | None = None
    row: int = 0
    pixels: int = 0
    perception_dir: pathlib.Path | None = None
    perceived_demos: pathlib.Path | None = None
    perceived_trials: pathlib.Path | None = None
    watching_dir: pathlib.Path | None = None
    perceived_videos: pathlib.Path | None = None
    end_to_end: dict[str, Any] | None = None
    cluster: Cluster | None = None

    @property
    def name(self) -> str:
        """What the process is about."""
        return f"the training of {self.method}"

    def run(self) -> str:
        """Trains and saves the policy; returns its id, empty from a cluster."""
        notices.quiet()
        with notices.Dropped():
            import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(self.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        with notices.Dropped():
            from wtl.training import policy_training

        if not self.cluster:
            return policy_training.train(self)
        # Before anything is read: the chief may still be preparing it.
        strategy = self.cluster.strategy()
        with strategy.scope():
            made = policy_training.train(self)
        meet(strategy)  # nobody goes on to the next job before this one is done
        return made
