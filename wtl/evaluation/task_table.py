"""Sums by task and training run."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from wtl.evaluation.rollout_row import RolloutRow


@dataclasses.dataclass(frozen=True)
class TaskTable:
    """Sums of one method.

    Attributes:
      runs: names of the R runs, sorted.
      tasks: ids of the T tasks, sorted; the scenes, if all are of one task.
      won: [R, T] successes, or sums of other values.
      played: [R, T] rollouts.
    """

    runs: Sequence[str]
    tasks: Sequence
    won: np.ndarray
    played: np.ndarray

    @classmethod
    def of(
        cls, values: Sequence[float], tasks: Sequence, scenes: Sequence, runs: Sequence
    ) -> "TaskTable":
        """Sum the values of rollouts, given the task, scene and run of each."""
        one = len(set(tasks)) == 1
        tasks, task = np.unique(scenes if one else tasks, return_inverse=True)
        runs, run = np.unique(runs, return_inverse=True)
        won, played = np.zeros((2, len(runs), len(tasks)))
        np.add.at(won, (run, task), values)
        np.add.at(played, (run, task), 1)
        return cls(runs.tolist(), tasks.tolist(), won, played)

    @classmethod
    def of_rows(
        cls, rows: Sequence[RolloutRow], values: Sequence[float] | None = None
    ) -> "TaskTable":
        """Sum the successes of rollouts, or other values of them."""
        return cls.of(
            [row.success for row in rows] if values is None else values,
            [row.task_id for row in rows],
            [row.pair for row in rows],
            [row.run for row in rows],
        )

    @classmethod
    def of_shares(cls, shares: np.ndarray, rollouts: int = 1) -> "TaskTable":
        """Return the table of shares [R, T] of as many rollouts in each cell."""
        runs, tasks = map(range, shares.shape)
        return cls(runs, tasks, shares * rollouts, np.full(shares.shape, rollouts))

    @property
    def rates(self) -> np.ndarray:
        """[R, T] success rates."""
        return self.won / self.played

    @property
    def overall(self) -> float:
        """Success over all rollouts."""
        return float(self.won.sum() / self.played.sum())

    @property
    def residuals(self) -> np.ndarray:
        """[R, T] contributions to the error of `overall`, of mean 0.

        They linearise the ratio of sums. With as many rollouts in all cells they are
        the rates less their mean.
        """
        rest = self.won - self.overall * self.played
        return rest * rest.size / self.played.sum()

    @property
    def per_task(self) -> float:
        """Mean number of rollouts of a task, over all runs."""
        return float(self.played.sum() / len(self.tasks))
