"""Counts of successes by training run and task."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from wtl.evaluation.rollout_row import RolloutRow


@dataclasses.dataclass(frozen=True)
class TaskTable:
    """Counts of one method.

    Attributes:
      runs: names of the R runs, sorted.
      tasks: ids of the T tasks, sorted.
      won: [R, T] successes.
      played: [R, T] rollouts.
    """

    runs: tuple[str, ...]
    tasks: tuple[str, ...]
    won: np.ndarray
    played: np.ndarray

    @classmethod
    def of(cls, rows: Sequence[RolloutRow]) -> "TaskTable":
        """Count rollouts."""
        runs = {name: i for i, name in enumerate(sorted({row.run for row in rows}))}
        tasks = {
            name: i for i, name in enumerate(sorted({row.task_id for row in rows}))
        }
        won, played = np.zeros((2, len(runs), len(tasks)))
        for row in rows:
            place = runs[row.run], tasks[row.task_id]
            played[place] += 1
            won[place] += row.success
        return cls(tuple(runs), tuple(tasks), won, played)

    @property
    def shape(self) -> tuple[int, int]:
        """T and R, in the order of the resampled indices."""
        return len(self.tasks), len(self.runs)

    @property
    def rates(self) -> np.ndarray:
        """[R, T] success rates."""
        return self.won / self.played

    def rate(self, tasks: np.ndarray, runs: np.ndarray) -> np.ndarray:
        """Return success [...] over drawn tasks [..., T'] and runs [..., R'].

        A draw without rollouts gets the overall success.
        """
        place = runs[..., :, None], tasks[..., None, :]
        won, played = (x[place].sum((-2, -1)) for x in (self.won, self.played))
        overall = self.won.sum() / self.played.sum()
        return np.where(played > 0, won / np.maximum(played, 1), overall)
