"""Loop of meta-learning from trials: resumable, the same for every learner."""

import json
import pathlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from wtl.collection.task_pool import TaskPool
from wtl.collection.trials import Agent
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.progress import progress
from wtl.policies import checkpoints
from wtl.training.meta_learner import MetaLearner

_BETWEEN_CHECKPOINTS = 60.0  # seconds


def train(
    learner: MetaLearner,
    pool: TaskPool,
    *,
    log_dir: pathlib.Path,
    evaluate: Callable[[Agent], dict[str, Any]],
    evaluations: int,
    name: str,
) -> list[dict[str, Any]]:
    """Train, from the last checkpoint if there is one.

    Args:
      learner: trained in place; its folder gets `checkpoints/` and the curve.
      pool: the training tasks.
      log_dir: TensorBoard events.
      evaluate: measures an agent; returns a point of the curve.
      evaluations: number of points, evenly spread.
      name: title of the progress bar.

    Returns:
      The curve: points of `evaluate`, each with `env_steps`.

    Raises:
      UserError: if the training diverges.
    """
    rounds, directory = learner.rounds, learner.directory
    due = {round(rounds * (i + 1) / evaluations) for i in range(evaluations)}
    done = tf.Variable(0, dtype=tf.int64)
    (directory / "checkpoints").mkdir(parents=True, exist_ok=True)
    manager = tf.train.CheckpointManager(
        tf.train.Checkpoint(done=done, **learner.parts),
        checkpoints.literal(directory / "checkpoints"),
        max_to_keep=2,
    )
    manager.restore_or_initialize()
    learner.resume(int(done))
    curve_file = directory / "curve.json"
    curve = json.loads(curve_file.read_text()) if curve_file.exists() else []
    curve = [p for p in curve if p["env_steps"] <= int(done) * learner.steps_per_round]
    writer = tf.summary.create_file_writer(str(log_dir))
    saved = time.monotonic()
    with (
        writer.as_default(),
        progress(
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
            if int(done) not in due and time.monotonic() - saved < _BETWEEN_CHECKPOINTS:
                continue
            if not all(np.isfinite(v).all() for v in learner.network.variables):
                raise UserError(
                    f"{name}: diverged within {steps:,} environment steps; lower the "
                    "learning rate of the method"
                )
            if int(done) in due:
                point = evaluate(learner.agent(explore=False))
                curve.append({"env_steps": steps} | point)
                partial = curve_file.with_suffix(".partial")
                partial.write_text(json.dumps(curve))
                partial.replace(curve_file)
            learner.keep()
            manager.save(int(done))
            saved = time.monotonic()
    writer.close()
    return curve
