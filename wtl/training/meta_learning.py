"""The loop of learning to learn from trials: resumable, the same for every learner."""

import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import tensorflow as tf
import tqdm

from wtl.collection.task_pool import TaskPool
from wtl.collection.trials import Agent


class Learner(Protocol):
    """Makes trials in training tasks, and learns from them.

    Attributes:
      parts: what a checkpoint holds, by name.
      steps_per_round: environment steps of a round.
    """

    parts: Mapping[str, Any]
    steps_per_round: int

    def round(self, pool: TaskPool, number: int) -> dict[str, float]:
        """Plays one round of trials and learns; returns its losses, if any.

        Everything drawn derives from the number of the round, so that an interrupted
        and resumed run goes on as if nothing had happened.
        """

    def keep(self):
        """Makes durable what checkpoints do not hold."""

    def resume(self, rounds: int):
        """Goes back to what was kept after so many rounds."""

    def agent(self, explore: bool) -> Agent:
        """Acts as learnt so far."""


def train(
    learner: Learner,
    pool: TaskPool,
    env_steps: int,
    *,
    directory: pathlib.Path,
    log_dir: pathlib.Path,
    evaluate: Callable[[Agent], dict[str, Any]],
    evaluations: int,
    name: str,
) -> list[dict[str, Any]]:
    """Trains, going on from the last checkpoint if there is one.

    Args:
      learner: trained in place.
      pool: the training tasks.
      env_steps: environment steps, rounded up to whole rounds.
      directory: gets `checkpoints/` and the points of the curve.
      log_dir: TensorBoard events.
      evaluate: measures an agent; what it returns is a point of the curve.
      evaluations: number of points, evenly spread; each comes with a checkpoint.
      name: what the progress bar says.

    Returns:
      The curve: what `evaluate` returned, and `env_steps`.
    """
    rounds = -(-env_steps // learner.steps_per_round)
    due = {round(rounds * (i + 1) / evaluations) for i in range(evaluations)}
    done = tf.Variable(0, dtype=tf.int64)
    manager = tf.train.CheckpointManager(
        tf.train.Checkpoint(done=done, **learner.parts),
        str(directory / "checkpoints"),
        max_to_keep=2,
    )
    manager.restore_or_initialize()
    learner.resume(int(done))
    curve_file = directory / "curve.json"
    curve = json.loads(curve_file.read_text()) if curve_file.exists() else []
    curve = [p for p in curve if p["env_steps"] <= int(done) * learner.steps_per_round]
    writer = tf.summary.create_file_writer(str(log_dir))
    with (
        writer.as_default(),
        tqdm.tqdm(
            total=rounds * learner.steps_per_round,
            initial=int(done) * learner.steps_per_round,
            desc=name,
            unit="step",
            mininterval=1.0,
        ) as bar,
    ):
        while int(done) < rounds:
            losses = learner.round(pool, int(done))
            done.assign_add(1)
            steps = int(done) * learner.steps_per_round
            bar.update(learner.steps_per_round)
            for loss, value in losses.items():
                tf.summary.scalar(loss, value, step=steps)
            if int(done) not in due:
                continue
            point = evaluate(learner.agent(explore=False))
            curve.append({"env_steps": steps} | point)
            partial = curve_file.with_suffix(".partial")
            partial.write_text(json.dumps(curve))
            partial.replace(curve_file)
            learner.keep()
            manager.save(int(done))
    writer.close()
    return curve
