"""Replay buffer of the trials of all tasks, in files, so that training can resume."""

import pathlib
from typing import NamedTuple

import numpy as np


class Drawn(NamedTuple):
    """Rows and goals of one batch.

    Attributes:
      goal: [B] goal whose rewards count in each task.
      context: [B, K] rows of the context trials, or -1.
      trial: [B, N] rows of the trials of the transitions.
      step: [B, N] their steps.
    """

    goal: np.ndarray
    context: np.ndarray
    trial: np.ndarray
    step: np.ndarray


class Replay:
    """Trials in the order in which they were made, with their tasks.

    Attributes:
      task: [C] task of each trial.
      observation: [C, T + 1, S], and so on as in `wtl.collection.trials.Trial`.
      count: number of trials.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        capacity: int,
        *,
        horizon: int,
        observation_size: int,
        action_size: int,
        goals: int,
    ):
        """Open the files of `directory`, or make them, for C = `capacity` trials."""
        shapes = {
            "task": (),
            "observation": (horizon + 1, observation_size),
            "action": (horizon, action_size),
            "reward": (horizon, goals),
            "observed_reward": (horizon, goals),
        }
        directory.mkdir(parents=True, exist_ok=True)
        for name, shape in shapes.items():
            path = directory / f"{name}.npy"
            dtype = np.int32 if name == "task" else np.float32
            # A new file is sparse: it grows as trials are added.
            mode = "r+" if path.exists() else "w+"
            array = np.lib.format.open_memmap(path, mode, dtype, (capacity, *shape))
            setattr(self, name, array)
        self._horizon, self._goals = horizon, goals
        self.restore(0)

    def restore(self, count: int):
        """Drop all but the first `count` trials."""
        self.count = count
        self._of_task: dict[int, list[int]] = {}
        for row, task in enumerate(self.task[:count].tolist()):
            self._of_task.setdefault(task, []).append(row)

    def add(self, task: np.ndarray, trial):
        """Add a trial of N tasks, a `wtl.collection.trials.Trial` under all goals."""
        observation, action, reward, observed_reward, _ = trial
        rows = slice(self.count, self.count + len(task))
        self.task[rows] = task
        self.observation[rows] = observation
        self.action[rows] = np.clip(action, -1, 1)
        self.reward[rows] = reward
        self.observed_reward[rows] = observed_reward
        for row, number in enumerate(np.asarray(task).tolist(), self.count):
            self._of_task.setdefault(number, []).append(row)
        self.count += len(task)

    def flush(self):
        """Write the added trials to disk."""
        for array in vars(self).values():
            if isinstance(array, np.memmap):
                array.flush()

    def draw(
        self,
        rng: np.random.Generator,
        tasks: int,
        transitions: int,
        context_trials: int,
        recent_trials: int,
    ) -> Drawn:
        """Draw a batch from tasks with trials.

        Args:
          rng: source of randomness.
          tasks: B, of the batch.
          transitions: N of each task.
          context_trials: K, largest number of trials in a context; the least is one.
          recent_trials: number of last trials of a task of which contexts are drawn.
        """
        known = list(self._of_task)
        chosen = [known[i] for i in rng.integers(len(known), size=tasks)]
        context = np.full((tasks, context_trials), -1)
        trial = np.zeros((tasks, transitions), np.int64)
        for i, task in enumerate(chosen):
            rows = np.array(self._of_task[task])
            trial[i] = rows[rng.integers(len(rows), size=transitions)]
            recent = rows[-recent_trials:]
            size = min(int(rng.integers(context_trials)) + 1, len(recent))
            context[i, :size] = rng.choice(recent, size, replace=False)
        return Drawn(
            goal=rng.integers(self._goals, size=tasks),
            context=context,
            trial=trial,
            step=rng.integers(self._horizon, size=(tasks, transitions)),
        )
