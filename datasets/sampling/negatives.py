"""Negatives from other tasks, as a control: they hold no information on a row's own."""

import numpy as np


class Negatives:
    """Draws rows of other tasks than a row's own."""

    def __init__(self, tasks: np.ndarray):
        """Group rows by task.

        Args:
          tasks: [N] the task of each row, a number or a text.

        Raises:
          ValueError: if all rows are of one task.
        """
        _, self._task, self._count = np.unique(
            tasks, return_inverse=True, return_counts=True
        )
        if len(self._count) < 2:
            raise ValueError("trials of another task are asked for, but there is one")
        self._order = np.argsort(self._task, kind="stable")
        self._start = np.cumsum(self._count) - self._count

    def draw(self, rng: np.random.Generator, rows: np.ndarray) -> np.ndarray:
        """Draw for each of B rows another, uniform over those of other tasks."""
        task = self._task[rows]
        count, total = self._count[task], len(self._order)
        step = (rng.random(len(rows)) * (total - count)).astype(np.int64)
        return self._order[(self._start[task] + count + step) % total]
