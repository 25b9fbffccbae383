"""Job of reinforcement learning of one task by one method."""

import dataclasses
import json
import pathlib
import time
from collections.abc import Sequence

from wtl.collection.worlds.world import Task
from wtl.datasets.contract.progress import progress
from wtl.datasets.storage import files
from wtl.policies.bc_sac.config import SacConfig
from wtl.policies.interface import Interface
from wtl.policies.methods.record import PolicyKind, Start
from wtl.training import process

FRESH, EVALUATION = SCENES = ("fresh", "evaluation")
_EARLY = (10, 20, 50)  # trials after which to evaluate before the first regular time


@dataclasses.dataclass(frozen=True)
class Budget:
    """Number of trials, and times of evaluation.

    Attributes:
      trials: trials of each task.
      at_once: trials between updates.
      evaluate_every: trials between evaluations; evaluation episodes do not count.
      patience: trials over which every evaluation must have succeeded in every scene
        for a task to be mastered. Learning then stops: learning from successes alone
        has lost tasks again.
      scenes: `fresh`, a new scene for every trial; or `evaluation`, the evaluated
        scenes in turn.
    """

    trials: int = 3000
    at_once: int = 10
    evaluate_every: int = 100
    patience: int = 300
    scenes: str = FRESH

    def evaluations(self) -> list[int]:
        """Return the numbers of trials after which to evaluate, from 0."""
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
    """Job of reinforcement learning.

    Attributes:
      method: name of the method in messages.
      start: start of learning.
      kind: kind of the policy to start from, or whose network gets random weights.
      task: the held-out task.
      evaluation_seeds: scenes in which success is measured.
      demo_dir: version folder of the demonstrations.
      demo_id: id of the demonstration of this task.
      start_dir: folder of the policy to start from, None for random weights.
      start_id: id of that policy.
      network: configuration of its network.
      config: hyper-parameters of SAC.
      budget: number of trials, and times of evaluation.
      seed: seed of weights, noise and batches.
      scene_seed: seed of the scenes of the trials, the same for all methods.
      record: JSON file, written at the end.
      row: line of the terminal for the progress bar.
    """

    method: str
    start: Start
    kind: PolicyKind
    task: Task
    evaluation_seeds: tuple[int, ...]
    demo_dir: pathlib.Path
    demo_id: str
    start_dir: pathlib.Path | None
    start_id: str
    network: Interface
    config: SacConfig
    budget: Budget
    seed: int
    scene_seed: int
    record: pathlib.Path
    row: int = 1

    @property
    def name(self) -> str:
        """Name of the job in messages."""
        return f"{self.method} on {self.task.task_id}"

    def run(self) -> str:
        """Learn the task and write the record; return its path."""
        reinforcement = process.load("wtl.training.reinforcement", 1)
        began = time.monotonic()
        with progress(
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
        about = {
            "arm": self.method,
            "task_id": self.task.task_id,
            "family": self.task.family,
            "rule": str(self.task.rule),
        }
        text = json.dumps({**about, **found, "seconds": seconds}, indent=1)
        files.write_durably(self.record, (text + "\n").encode())
        return str(self.record)
