"""What a training process does: from datasets to a saved policy."""

import dataclasses
import pathlib
from typing import NamedTuple

import numpy as np
import tqdm

from wtl.collection.worlds.entities import relabel, slot_order, task_distribution
from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.collection.worlds.tabletop.perception import policy as perception_policy
from wtl.datasets.contract import fields
from wtl.datasets.reading import reader
from wtl.datasets.reading import store as stores
from wtl.datasets.sampling import video_pairs
from wtl.datasets.sampling.sampler import Sampler
from wtl.policies import export, interface
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.methods import METHODS
from wtl.training import end_to_end, examples, perception_job, trainer
from wtl.training.job import TrainJob
from wtl.training.train_config import TrainConfig


class _Twofold(NamedTuple):
    """The same episodes twice.

    Attributes:
      true: with the states of the simulator.
      seen: with those that the policy sees.
    """

    true: stores.EpisodeStore
    seen: stores.EpisodeStore

    def select(self, index: np.ndarray) -> "_Twofold":
        """Episodes by mask or number."""
        return _Twofold(self.true.select(index), self.seen.select(index))


class _Data(NamedTuple):
    """Episodes to train with.

    Attributes:
      demos: to imitate.
      shown: what is shown in place of each of them.
      trials: to be shown, for methods that see them.
    """

    demos: _Twofold
    shown: stores.EpisodeStore
    trials: _Twofold | None

    def examples(
        self, draws: Sampler, config: interface.Interface, window: int
    ) -> examples.ExampleSource:
        """Examples of `window` timesteps, as the policy sees them."""
        trials = self.trials and self.trials.seen
        return examples.ExampleSource(
            self.demos.seen, self.shown, trials, draws, config, window
        )


def train(job: TrainJob) -> str:
    """Trains and saves a policy.

    Args:
      job: all there is to know.

    Returns:
      The policy's id, empty from a cluster.
    """
    tf_keras.utils.set_random_seed(job.seed % 2**32)
    method = METHODS[job.method]
    config = job.config
    data = _read(job, config)
    draws = relabel.sampler(
        data.demos.true,
        config.layout,
        shown=data.shown,
        trials=data.trials and data.trials.true,
        other_task_trials=config.trials_from == interface.ANOTHER_TASK,
        other_task_success=config.trial_success == interface.SHUFFLED,
        **job.sampler,
    )
    source = data.examples(draws, config, job.training.window)
    network = method.kind.network(config)
    _fit(job, network, method.kind.loss, source, job.training, "checkpoints")
    if job.cluster:
        return ""
    policy = method.kind.policy(network)
    if job.perception_dir:
        eyes = _perception(job, job.perception_dir, Embodiment.ROBOT)
        watching = _perception(job, job.watching_dir, Embodiment.HUMAN)
        if job.end_to_end is not None:
            _fit_together(job, data, draws, network, eyes, watching)
        policy = perception_policy.SeeingPolicy(eyes, policy, watching)
    return export.save(policy, job.policy_dir / "saved_model")


def _read(job: TrainJob, config: interface.Interface) -> _Data:
    def read(dataset_dir, perceived) -> _Twofold:
        with_images = job.end_to_end is not None
        true = reader.read(
            dataset_dir, task_distribution.TRAIN, with_images=with_images
        )
        if perceived is None:
            return _Twofold(true, true)
        true = slot_order.by_place(true, config.layout)
        return _Twofold(true, dataclasses.replace(true, state=np.load(perceived)))

    demos = read(job.demos_dir, job.perceived_demos)
    demos = demos.select(~demos.true[fields.INVALID])
    shown = demos.seen
    if job.videos_dir:
        videos = read(job.videos_dir, job.perceived_videos)
        rows = video_pairs.paired_rows(demos.true, videos.true)
        usable = (rows >= 0) & ~videos.true[fields.INVALID][rows]
        if not usable.any():
            raise ValueError(f"{job.videos_dir} shows nothing that the robot did")
        demos = demos.select(usable)
        shown = video_pairs.as_video(
            videos.seen.select(rows[usable]), config.action_size
        )
    trials = None
    if job.trials_dir:
        trials = read(job.trials_dir, job.perceived_trials)
        trials = trials.select(_known_trials(job, config, trials.true))
        if not len(trials.true):
            raise ValueError(
                f"{job.trials_dir} holds no trial of the present "
                f"`{METHODS[job.method].trial_source}` policy; name it in "
                "collect_trials.sources and run that stage again"
            )
    if job.retrials_dir:
        # Of what is perceived there is no second round.
        retrials = read(job.retrials_dir, None).true
        known = retrials[fields.POLICY_ID] == job.retrial_policy_id
        known &= ~retrials[fields.INVALID]
        both = stores.concatenate([trials.true, retrials.select(known)])
        trials = _Twofold(both, both)
    return _Data(demos, shown, trials)


def _known_trials(
    job: TrainJob, config: interface.Interface, trials: stores.EpisodeStore
) -> np.ndarray:
    known = trials[fields.POLICY_ID] == job.trial_policy_id
    if config.demos:
        # Whoever tried by hand was shown a demonstration.
        known |= np.char.startswith(trials[fields.DEMONSTRATOR], fields.TELEOP)
    return known & (trials[fields.ROLE] == fields.ROLE_TRIAL) & ~trials[fields.INVALID]


def _fit(job: TrainJob, network, loss, source, config: TrainConfig, name: str):
    with tqdm.tqdm(
        total=config.steps,
        desc=f"train {job.method}",
        unit="step",
        position=job.row,
        mininterval=1.0,
    ) as bar:

        def on_step(step, losses):
            bar.update(step - bar.n)
            if losses is not None:
                bar.set_postfix(
                    imitation=f"{float(losses.imitation):.3f}",
                    target=f"{float(losses.target):.3f}",
                    refresh=False,
                )

        trainer.train(
            network,
            loss,
            source,
            config,
            seed=job.seed,
            checkpoint_dir=job.policy_dir / name,
            log_dir=job.log_dir / ("" if name == "checkpoints" else name),
            on_step=on_step,
            cluster=job.cluster,
        )


def _perception(job: TrainJob, folder: pathlib.Path | None, body: Embodiment):
    if folder is None:
        return None
    return perception_job.load(folder, body, job.config.layout.size, job.pixels)


def _fit_together(job: TrainJob, data: _Data, draws: Sampler, network, eyes, watching):
    config = job.end_to_end
    sights = end_to_end.SightSource(
        data.examples(draws, network.config, config.window),
        data.demos.true,
        data.shown,
        data.trials and data.trials.true,
        network.config.layout,
        network.config.context_frames,
        network.config.human,
    )
    _fit(
        job,
        end_to_end.EndToEnd(network, eyes, watching),
        end_to_end.loss_of(METHODS[job.method].kind.loss, sights, config.privileged),
        sights,
        config,
        "end_to_end",
    )
