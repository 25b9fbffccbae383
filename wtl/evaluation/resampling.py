"""Sums by task and training run; intervals and tests by resampling both, on scipy's.

Scenes of one task succeed and fail together, and so do the tasks of one training run.
So whole tasks and whole runs are drawn independently (Owen 2007, "The pigeonhole
bootstrap").
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from wtl.evaluation.rollout_row import RolloutRow

SEED = 20180601
RESAMPLES = 5_000
_BATCH = 500  # resamples in memory at a time


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


def interval(
    statistic: Callable[..., np.ndarray], counts: Sequence[int]
) -> list[float]:
    """Return the percentile interval, 95%, of a statistic of tasks and runs.

    Args:
      statistic: maps drawn indices, [..., T] of tasks and [..., R] of each set of runs,
        to values [...].
      counts: T, and R of each set of runs. Counts of one are not resampled.
    """
    samples = [np.arange(count) for count in counts]
    drawn = [place for place, count in enumerate(counts) if count > 1]
    if not drawn:
        return [float(statistic(*samples))] * 2

    def value(*chosen, axis):
        del axis  # always the last
        every = [np.broadcast_to(s, (*chosen[0].shape[:-1], len(s))) for s in samples]
        for place, sample in zip(drawn, chosen, strict=True):
            every[place] = sample
        return statistic(*every)

    found = stats.bootstrap(
        [samples[place] for place in drawn],
        value,
        n_resamples=RESAMPLES,
        batch=_BATCH,
        vectorized=True,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return [float(found.low), float(found.high)]


def sign_flip(differences: np.ndarray) -> float:
    """Return the two-sided p of [T] differences of tasks under random signs."""
    if len(differences) < 2:
        return 1.0  # either sign is as extreme
    return float(
        stats.permutation_test(
            (differences,),
            lambda values, axis: values.sum(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=RESAMPLES,
            batch=_BATCH,
            rng=np.random.default_rng(SEED),
        ).pvalue
    )
