"""Trains one method in a process of its own, so that two use two cores well."""

import dataclasses
import pathlib
import signal
from typing import Any

import tqdm

from wtl import notices


@dataclasses.dataclass(frozen=True)
class TrainJob:
    """All that a training process needs to know.

    Attributes:
      method: key of `policies.methods.METHODS`.
      size: number of objects in a scene.
      demos_dir: version folder of the demonstrations.
      trials_dir: version folder of the trials, for methods that see them.
      trial_policy_id: only its trials are shown.
      sampler: keyword arguments of `datasets.sampler.Sampler`.
      config: fields of `wtl.training.trainer.TrainConfig`.
      overrides: fields of the method's config that differ from `METHODS`.
      seed: of initial weights and batches.
      policy_dir: gets `checkpoints/`, `saved_model/` and the learning curve.
      log_dir: gets TensorBoard events.
      threads: of TensorFlow.
      row: line of the terminal for the progress bar.
    """

    method: str
    size: int
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
    row: int = 0


def serve(job: TrainJob, connection) -> None:
    """Runs a job in a process of its own; sends (policy id, problem) back."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its children
    try:
        connection.send((run(job), None))
    except Exception as error:  # the parent raises it
        connection.send((None, f"{type(error).__name__}: {error}"))


def run(job: TrainJob) -> str:
    """Trains and saves the policy; returns its id."""
    notices.quiet()
    with notices.Dropped():
        import tensorflow as tf

        from datasets import fields, reader, sampler
        from policies import export
        from policies.legacy_keras import tf_keras
        from policies.methods import METHODS
        from wtl.envs import observation, suite
        from wtl.training import examples, trainer

    tf.config.threading.set_intra_op_parallelism_threads(job.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf_keras.utils.set_random_seed(job.seed % 2**32)
    method = METHODS[job.method]
    config = dataclasses.replace(method.config, size=job.size, **job.overrides)
    train_config = trainer.TrainConfig(**job.config)
    demos = reader.read(job.demos_dir, suite.TRAIN)
    demos = demos.select(~demos[fields.INVALID])
    trials = None
    if job.trials_dir:
        trials = reader.read(job.trials_dir, suite.TRAIN)
        known = trials[fields.POLICY_ID] == job.trial_policy_id
        trials = trials.select(known & ~trials[fields.INVALID])
        if not len(trials):
            raise ValueError(
                f"{job.trials_dir} holds no trial of the present "
                f"`{method.trial_source}` policy; name it in "
                "collect_trials.sources and run that stage again"
            )
    layout = observation.Layout(job.size)
    source = examples.ExampleSource(
        demos,
        trials,
        sampler.Sampler(demos, layout, trials=trials, **job.sampler),
        config,
        train_config.window,
    )
    network = method.kind.network(config)
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
            method.kind.loss,
            source,
            train_config,
            seed=job.seed,
            checkpoint_dir=job.policy_dir / "checkpoints",
            log_dir=job.log_dir,
            on_step=on_step,
        )
    return export.save(method.kind.policy(network), job.policy_dir / "saved_model")
