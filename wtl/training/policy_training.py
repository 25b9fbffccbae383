"""Training of a policy in its process: from datasets to a saved policy."""

import dataclasses
import pathlib
import sys
from typing import NamedTuple

import numpy as np

from wtl.collection.worlds import registry
from wtl.datasets.contract import fields
from wtl.datasets.reading import reader
from wtl.datasets.reading import store as stores
from wtl.datasets.sampling import video_pairs
from wtl.datasets.sampling.held_out import held_out
from wtl.datasets.sampling.sampler import Sampler
from wtl.policies import compensation, export, interface
from wtl.policies.chunked_policy import ChunkedPolicy
from wtl.policies.compensated_policy import CompensatedPolicy
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.normaliser import NormalisedPolicy, Normaliser
from wtl.training import end_to_end, examples, perception_training, trainer
from wtl.training.job import TrainJob
from wtl.training.train_config import TrainConfig


class _Twofold(NamedTuple):
    """The same episodes with two kinds of states.

    Attributes:
      true: states of the simulator.
      seen: states that the policy observes, and actions, as networks are given them.
    """

    true: stores.EpisodeStore
    seen: stores.EpisodeStore

    def select(self, index: np.ndarray) -> "_Twofold":
        """Return episodes by mask or number."""
        return _Twofold(self.true.select(index), self.seen.select(index))

    def normalised(self, normaliser: Normaliser | None) -> "_Twofold":
        """Return episodes of which networks are given normalised ones."""
        seen = normaliser.store(self.seen) if normaliser else self.seen
        return _Twofold(self.true, seen)


class _Data(NamedTuple):
    """Episodes to train with.

    Attributes:
      demos: demonstrations to imitate.
      shown: episode given in place of each demonstration.
      trials: trials, for methods given them.
      normaliser: of states and actions; None if networks are given those of the world.
    """

    demos: _Twofold
    shown: stores.EpisodeStore
    trials: _Twofold | None
    normaliser: Normaliser | None

    def labelled(
        self, perceived: bool
    ) -> tuple[stores.EpisodeStore, stores.EpisodeStore | None]:
        """Return demonstrations and trials with the states that they are labelled by.

        Args:
          perceived: whether those are the states estimated from images.
        """
        name = "seen" if perceived else "true"
        return getattr(self.demos, name), self.trials and getattr(self.trials, name)

    def examples(
        self, draws: Sampler, config: interface.Interface, window: int
    ) -> examples.ExampleSource:
        """Return the source of examples of `window` timesteps."""
        trials = self.trials and self.trials.seen
        return examples.ExampleSource(
            self.demos.seen, self.shown, trials, draws, config, window
        )


def train(job: TrainJob) -> str:
    """Train and save a policy; return its id, empty from a cluster."""
    tf_keras.utils.set_random_seed(job.seed % 2**32)
    config, kind = job.config, job.method.kind
    data = _read(job, config)
    demos, trials = data.labelled(job.perceived_labels)
    relabeller = registry.get(job.world).relabel(
        demos, config.layout, trials, **job.relabel
    )
    draws = Sampler(
        demos,
        relabeller,
        shown=data.shown,
        trials=trials,
        other_task_trials=config.trials_from == interface.ANOTHER_TASK,
        other_task_success=config.trial_success == interface.SHUFFLED,
        **job.sampler,
    )
    if draws.unpaired and trials is None:
        print(
            f"{job.method.name}: {draws.unpaired} of {len(demos)} demonstrations are "
            "not trained on: their tasks are demonstrated in one scene alone",
            file=sys.stderr,
        )
    source = data.examples(draws, config, job.training.window)
    network, loss = kind.network(config), kind.loss_name and kind.loss
    if config.compensation:
        network.compensation = compensation.regression(config)
        loss = compensation.added_to(loss)
    if hasattr(network, "scale"):
        network.scale(data.demos.seen)
    if kind.loss_name:
        _fit(job, network, loss, source, job.training, "checkpoints")
    if job.cluster:
        return ""
    policy = kind.policy(network)
    if config.chunk > 1:
        policy = ChunkedPolicy(policy)
    if config.compensation:
        policy = CompensatedPolicy(policy)
    if data.normaliser:
        policy = NormalisedPolicy(policy, data.normaliser)
    if job.perception_dir:
        perception = _perception(job, job.perception_dir, is_human=False)
        watching = _perception(job, job.watching_dir, is_human=True)
        if job.end_to_end is not None:
            _fit_together(job, data, draws, network, perception, watching)
        make = registry.get(job.world).perception().policy
        policy = make(perception, policy, watching)
    world = registry.get(job.world).name
    return export.save(policy, job.policy_dir / "saved_model", world)


def _read(job: TrainJob, config: interface.Interface) -> _Data:
    def read(name: str) -> _Twofold:
        images = job.images if job.end_to_end is not None else {}
        true = reader.read(job.datasets[name], fields.SPLIT_TRAIN, images=images)
        if name not in job.perceived:
            return _Twofold(true, true)
        perception = registry.get(job.world).perception()
        true = perception.by_place(true, config.layout)
        state = np.load(job.perceived[name])
        return _Twofold(true, dataclasses.replace(true, state=state))

    demos = read(fields.WTL_DEMOS)
    usable = ~demos.true[fields.INVALID]
    if registry.get(job.world).make_env is None:
        usable &= ~held_out(job.datasets[fields.WTL_DEMOS], demos.true)
    usable &= ~np.isin(demos.true[fields.TASK_ID], sorted(job.left_out_tasks))
    if job.perceived_labels:
        # Perception may miss what a demonstration acted on.
        usable &= config.layout.acted_slots(demos.seen.state) >= 0
        if not usable.any():
            raise ValueError(
                "perception sees no demonstration act on anything; train it longer, "
                "or leave perceived_labels False"
            )
    demos = demos.select(usable)
    make = registry.get(job.world).normaliser
    normaliser = make and make(demos.true)
    demos = demos.normalised(normaliser)
    shown = demos.seen
    if fields.WTL_HUMAN_VIDEOS in job.datasets:
        videos = read(fields.WTL_HUMAN_VIDEOS)
        rows = video_pairs.paired_rows(demos.true, videos.true)
        usable = (rows >= 0) & ~videos.true[fields.INVALID][rows]
        if not usable.any():
            raise ValueError("no human video shows a demonstrated scene")
        demos = demos.select(usable)
        shown = video_pairs.as_video(
            videos.seen.select(rows[usable]), config.action_size
        )
    trials = None
    if fields.WTL_TRIALS in job.datasets:
        trials = read(fields.WTL_TRIALS)
        trials = trials.select(_known_trials(job, config, trials.true))
        trials = trials.normalised(normaliser)
        if not len(trials.true):
            raise ValueError(
                f"{job.datasets[fields.WTL_TRIALS]} holds no trial of the present "
                f"`{job.method.trial_source}` policy; name it in "
                "collect_trials.sources and run that stage again"
            )
    if fields.WTL_RETRIALS in job.datasets:
        # There is no second round from images.
        retrials = read(fields.WTL_RETRIALS).true
        known = retrials[fields.POLICY_ID] == job.retrial_policy_id
        known &= ~retrials[fields.INVALID]
        both = stores.concatenate([trials.true, retrials.select(known)])
        trials = _Twofold(both, both).normalised(normaliser)
    return _Data(demos, shown, trials, normaliser)


def _known_trials(
    job: TrainJob, config: interface.Interface, trials: stores.EpisodeStore
) -> np.ndarray:
    known = trials[fields.POLICY_ID] == job.trial_policy_id
    if config.demos:
        # Operators are given a demonstration.
        known |= np.char.startswith(trials[fields.DEMONSTRATOR], fields.TELEOP)
    return known & (trials[fields.ROLE] == fields.ROLE_TRIAL) & ~trials[fields.INVALID]


def _fit(job: TrainJob, network, loss, source, config: TrainConfig, name: str):
    trainer.train_with_progress(
        job.method.name,
        lambda losses: {
            name: f"{float(value):.3f}"
            for name, value in losses._asdict().items()
            # Without entities there is no target to select, whose loss is 0.
            if name == "imitation" or name == "target" and value != 0
        },
        network,
        loss,
        source,
        config,
        row=job.row,
        seed=job.seed,
        checkpoint_dir=job.policy_dir / name,
        log_dir=job.log_dir / ("" if name == "checkpoints" else name),
        cluster=job.cluster,
    )


def _perception(job: TrainJob, folder: pathlib.Path | None, is_human: bool):
    if folder is None:
        return None
    perception = registry.get(job.world).perception()
    network = perception.create(job.config.layout, job.images, is_human)
    perception_training.restore(network, folder)
    return network


def _fit_together(job: TrainJob, data: _Data, draws: Sampler, network, *perception):
    config, loss = job.end_to_end, job.method.kind.loss
    source = end_to_end.ObservationSource(
        data.examples(draws, network.config, config.window),
        data.demos.true,
        data.shown,
        data.trials and data.trials.true,
        network.config.layout,
        network.config.context_frames,
        network.config.human,
        registry.get(job.world).perception(),
    )
    together = end_to_end.EndToEnd(network, *perception, data.normaliser)
    loss = end_to_end.loss_of(loss, source, config.privileged)
    _fit(job, together, loss, source, config, "end_to_end")
