"""One trial of an agent that learns from its trials, as a row of `trials.csv`."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class TrialRow:
    """Result of one trial.

    Attributes:
      method: name of the method, such as `pearl`.
      task_id: the task.
      family: family of the task.
      pair: index of the scene within the task, as in `episodes.csv`.
      trial: number of the trial, from 1.
      success: whether the goal was reached at its end.
      score: sum of the observed rewards.
    """

    method: str
    task_id: str
    family: str
    pair: int
    trial: int
    success: bool
    score: float

    @property
    def run(self) -> str:
        """Name of the run, as in `RolloutRow`; always empty."""
        return ""
