"""One trial of an agent that learns from its trials, as a row of `trials.csv`."""

import csv
import dataclasses
import os
import pathlib
from collections.abc import Iterable


@dataclasses.dataclass(frozen=True)
class TrialRow:
    """What one trial came to.

    Attributes:
      method: name of the method, such as `pearl`.
      task_id: the task.
      family: family of the task.
      pair: number of the scene within the task, as in `episodes.csv`.
      trial: its number, from 1; as many less one came before it.
      success: whether the goal held at its end.
      score: sum of the rewards that were felt.
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
        """Name of the run, as `RolloutRow` has it; here there is only one."""
        return ""


def write_csv(rows: Iterable[TrialRow], path: str | os.PathLike) -> None:
    """Writes rows at once, never half of them."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    names = [field.name for field in dataclasses.fields(TrialRow)]
    with open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            known = dataclasses.asdict(row)
            writer.writerow(known | {"success": int(row.success)})
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
