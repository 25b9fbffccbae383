"""Trains one method in a process of its own."""

import dataclasses
import pathlib
from typing import Any

import tqdm

from wtl import notices
from wtl.envs.suite import Suite
from wtl.training.cluster import Cluster, meet


@dataclasses.dataclass(frozen=True)
class TrainJob:
    """All that a training process needs to know.

    Attributes:
      method: key of `policies.methods.METHODS`.
      suite: the tasks.
      demos_dir: version folder of the demonstrations.
      trials_dir: version folder of the trials, for methods that see them.
      trial_policy_id: only its trials are shown.
      retrials_dir: version folder of a second round of trials, for methods that see
        them.
      retrial_policy_id: only its second round is shown.
      sampler: keyword arguments of `datasets.sampler.Sampler`.
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
        if not self.cluster:
            return _run(self)
        # Before anything is read: the chief may still be preparing it.
        strategy = self.cluster.strategy()
        with strategy.scope():
            made = _run(self)
        meet(strategy)  # nobody goes on to the next job before this one is done
        return made


def _run(job: TrainJob) -> str:
    with notices.Dropped():
        import numpy as np

        from datasets import fields, pairs, places, reader, sampler, store
        from policies import export, interface
        from policies.legacy_keras import tf_keras
        from policies.methods import METHODS, config_for
        from policies.perception import policy as perception_policy
        from wtl.envs import suite
        from wtl.envs.embodiment import Embodiment
        from wtl.training import end_to_end, examples, perception_job, trainer

    tf_keras.utils.set_random_seed(job.seed % 2**32)
    method = METHODS[job.method]
    config = dataclasses.replace(config_for(job.method, job.suite), **job.overrides)
    train_config = trainer.TrainConfig(**job.config)
    layout = config.layout

    def read(dataset_dir, perceived):
        """Episodes with their true states, and with those that the policy sees."""
        with_images = job.end_to_end is not None
        read = reader.read(dataset_dir, suite.TRAIN, with_images=with_images)
        if perceived is None:
            return read, read
        read = places.by_place(read, layout)
        return read, dataclasses.replace(read, state=np.load(perceived))

    demos, seen_demos = read(job.demos_dir, job.perceived_demos)
    valid = ~demos[fields.INVALID]
    demos, seen_demos = demos.select(valid), seen_demos.select(valid)
    shown = seen_demos
    if job.videos_dir:
        videos, seen_videos = read(job.videos_dir, job.perceived_videos)
        rows = pairs.paired_rows(demos, videos)
        usable = (rows >= 0) & ~videos[fields.INVALID][rows]
        if not usable.any():
            raise ValueError(f"{job.videos_dir} shows nothing that the robot did")
        demos, seen_demos = demos.select(usable), seen_demos.select(usable)
        shown = pairs.as_video(seen_videos.select(rows[usable]), config.action_size)
    trials = seen_trials = None
    if job.trials_dir:
        trials, seen_trials = read(job.trials_dir, job.perceived_trials)
        known = trials[fields.POLICY_ID] == job.trial_policy_id
        if config.demos:
            # Whoever tried by hand was shown a demonstration.
            known |= np.char.startswith(trials[fields.DEMONSTRATOR], fields.TELEOP)
        known &= (trials[fields.ROLE] == fields.ROLE_TRIAL) & ~trials[fields.INVALID]
        trials, seen_trials = trials.select(known), seen_trials.select(known)
        if not len(trials):
            raise ValueError(
                f"{job.trials_dir} holds no trial of the present "
                f"`{method.trial_source}` policy; name it in "
                "collect_trials.sources and run that stage again"
            )
    if job.retrials_dir:
        # Of what is perceived there is no second round.
        retrials, _ = read(job.retrials_dir, None)
        known = retrials[fields.POLICY_ID] == job.retrial_policy_id
        known &= ~retrials[fields.INVALID]
        trials = seen_trials = store.concatenate([trials, retrials.select(known)])
    draws = sampler.Sampler(
        demos,
        layout,
        shown=shown,
        trials=trials,
        strange_trials=config.trials_from == interface.ANOTHER_TASK,
        strange_success=config.trial_success == interface.SHUFFLED,
        **job.sampler,
    )
    source = examples.ExampleSource(
        seen_demos, shown, seen_trials, draws, config, train_config.window
    )
    network = method.kind.network(config)

    def train(network, loss, source, train_config, name):
        with tqdm.tqdm(
            total=train_config.steps,
            desc=f"train {method.folder}",
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
                train_config,
                seed=job.seed,
                checkpoint_dir=job.policy_dir / name,
                log_dir=job.log_dir / ("" if name == "checkpoints" else name),
                on_step=on_step,
                cluster=job.cluster,
            )

    train(network, method.kind.loss, source, train_config, "checkpoints")
    if job.cluster:
        return ""
    policy = method.kind.policy(network)
    if job.perception_dir:
        eyes, watching = (
            perception_job.load(folder, body, config.size, job.pixels)
            if folder
            else None
            for body, folder in (
                (Embodiment.GRIPPER, job.perception_dir),
                (Embodiment.HAND, job.watching_dir),
            )
        )
        if job.end_to_end is not None:
            together = end_to_end.EndToEndConfig(**job.end_to_end)
            sights = end_to_end.SightSource(
                examples.ExampleSource(
                    seen_demos, shown, seen_trials, draws, config, together.window
                ),
                demos,
                shown,
                trials,
                layout,
                config.context_frames,
                config.human,
            )
            train(
                end_to_end.EndToEnd(network, eyes, watching),
                end_to_end.loss_of(method.kind.loss, sights, together.privileged),
                sights,
                together,
                "end_to_end",
            )
        policy = perception_policy.SeeingPolicy(eyes, policy, watching)
    return export.save(policy, job.policy_dir / "saved_model")
