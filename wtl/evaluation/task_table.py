"""Sums over rollouts by training run and task."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from wtl.evaluation.rollout_row import RolloutRow


@dataclasses.dataclass(frozen=True)
class TaskTable:
    """Sums of one method.

    Attributes:
      runs: names of the R runs, sorted.
      tasks: ids of the T tasks, sorted.
      won: [R, T] successes, or sums of other values.
      played: [R, T] rollouts.
    """

    runs: Sequence[str]
    tasks: Sequence[str]
    won: np.ndarray
    played: np.ndarray

    @classmethod
    def of(
        cls, rows: Sequence[RolloutRow], values: Sequence[float] | None = None
    ) -> "TaskTable":
        """Sum the successes of rollouts, or other values of them."""
        if values is None:
            values = [row.success for row in rows]
        runs, run = np.unique([row.run for row in rows], return_inverse=True)
        tasks, task = np.unique([row.task_id for row in rows], return_inverse=True)
        won, played = np.zeros((2, len(runs), len(tasks)))
        np.add.at(won, (run, task), values)
        np.add.at(played, (run, task), 1)
        return cls(runs.tolist(), tasks.tolist(), won, played)

    @property
    def shape(self) -> tuple[int, int]:
        """T and R, in the order of the resampled indices."""
        return len(self.tasks), len(self.runs)

    @property
    def rates(self) -> np.ndarray:
        """[R, T] success rates."""
        return self.won / self.played

    @property
    def overall(self) -> float:
        """Success over all rollouts."""
        return float(self.won.sum() / self.played.sum())

    def rate(self, tasks: np.ndarray, runs: np.ndarray) -> np.ndarray:
        """Return success [...] over drawn tasks [..., T'] and runs [..., R'].

        A draw without rollouts gets the overall success.
        """
        place = runs[..., :, None], tasks[..., None, :]
        won, played = (x[place].sum((-2, -1)) for x in (self.won, self.played))
        return np.where(played > 0, won / np.maximum(played, 1), self.overall)
