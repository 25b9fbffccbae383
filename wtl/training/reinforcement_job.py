"""Reinforcement learning of one task by one arm, in a process of its own."""

import dataclasses
import json
import pathlib
import time
from collections.abc import Sequence
from typing import Any

import tqdm

from wtl import notices
from wtl.collection.worlds.entities import environment
from wtl.collection.worlds.entities.task import Task
from wtl.datasets.storage import files
from wtl.policies.interface import Interface

FRESH, EVALUATION = SCENES = ("fresh", "evaluation")
_EARLY = (10, 20, 50)  # trials after which to evaluate before the first regular time


@dataclasses.dataclass(frozen=True)
class Budget:
    """How much is tried, and when it is looked at.

    Attributes:
      trials: of each task.
      at_once: trials made together, between which nothing is learnt.
      evaluate_every: trials between evaluations, which are not counted as trials.
      patience: trials over which every evaluation must have succeeded in every scene
        for a task to be mastered. It is then left at that, as who stops a robot that
        does what it shall: learning on from successes alone has lost tasks again.
      scenes: `fresh`, a scene of its own for every trial; or `evaluation`, those
        that are evaluated, over and over.
    """

    trials: int = 3000
    at_once: int = 10
    evaluate_every: int = 100
    patience: int = 300
    scenes: str = FRESH

    def evaluations(self) -> list[int]:
        """Numbers of trials after which to evaluate, from 0."""
        regular = range(self.evaluate_every, self.trials + 1, self.evaluate_every)
        early = (t for t in _EARLY if t < min(self.evaluate_every, self.trials))
        return sorted({0, *early, *regular, self.trials})

    def mastered(self, trials: Sequence[int], success: Sequence[Sequence[int]]) -> bool:
        """Whether a task needs no more trials.

        Args:
          trials: [P] numbers of trials after which it was evaluated so far.
          success: [P] success then, in each scene.
        """
        since = trials[-1] - self.patience
        return since >= 0 and all(
            all(won) for made, won in zip(trials, success, strict=True) if made >= since
        )


@dataclasses.dataclass(frozen=True)
class ReinforcementJob:
    """All that the process needs to know.

    Attributes:
      arm: key of `wtl.policies.bc_sac.config.ARMS`.
      task: the held-out task.
      evaluation_seeds: scenes in which success is measured.
      demo_dir: version folder of the demonstrations.
      demo_id: the demonstration of this task.
      start_dir: folder of the policy to begin with, None to begin with nothing.
      start_id: its id.
      network: configuration of its network.
      config: fields of `wtl.policies.bc_sac.config.SacConfig`.
      budget: how much is tried.
      seed: of weights, noise and batches.
      scene_seed: of the scenes of the trials: the same for all arms.
      record: JSON file to write when all is done.
      about: what else to put into it.
      row: line of the terminal for the progress bar.
    """

    arm: str
    task: Task
    evaluation_seeds: tuple[int, ...]
    demo_dir: pathlib.Path
    demo_id: str
    start_dir: pathlib.Path | None
    start_id: str
    network: Interface
    config: dict[str, Any]
    budget: Budget
    seed: int
    scene_seed: int
    record: pathlib.Path
    about: dict[str, Any]
    row: int = 1

    @property
    def name(self) -> str:
        """What the process is about."""
        return f"{self.arm} on {self.task.task_id}"

    def run(self) -> str:
        """Learns the task and writes the record; returns its path."""
        notices.quiet()
        with notices.Dropped():
            import tensorflow as tf

            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(1)
            from wtl.training import reinforcement
        began = time.monotonic()
        with tqdm.tqdm(
            total=self.budget.trials,
            desc=self.name,
            unit="trial",
            position=self.row,
            leave=False,
            mininterval=1.0,
        ) as bar:
            found = reinforcement.learn(self, lambda trials: bar.update(trials - bar.n))
        self.record.parent.mkdir(parents=True, exist_ok=True)
        seconds = round(time.monotonic() - began, 1)
        text = json.dumps({**self.about, **found, "seconds": seconds}, indent=1)
        files.write_durably(self.record, (text + "\n").encode())
        return str(self.record)

    def setup(self, scene_seed: int) -> environment.Setup:
        """A scene of the task with its true target, which only reward tells."""
        return environment.Setup.by_rule(self.task, self.task.rule, scene_seed)
