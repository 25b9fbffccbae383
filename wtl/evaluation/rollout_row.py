"""One evaluation rollout as a row of `episodes.csv`."""

import csv
import dataclasses
import io
import os
import pathlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from wtl.datasets.storage import files


@dataclasses.dataclass(frozen=True, kw_only=True)
class RolloutRow:
    """Result of one rollout of one method.

    Attributes:
      method: name of the condition, such as `wtl`.
      task_id: the task.
      family: family of the task.
      rule: referent rule of the task, such as `identity:1`; empty in worlds without.
      pair: index of the scenario (demonstration and scene) within the task. Methods
        are compared on the same scenarios.
      scene_seed: seed of the scene.
      demo_id: id of the demonstration of the scenario.
      trial_ids: ids of the context trials, in order.
      episode_id: id of this rollout.
      success: whether the goal was reached for the target.
      wrong_target: whether it was reached for another entity; None in worlds without
        targets.
      conflict: whether the rules that fit the demonstration select different entities
        in this scene; None in worlds without rules.
      open_targets: number of entities that these rules select in this scene; None where
        the oracle bound does not say.
      ceiling: oracle bound, the success in [0, 1] of an ideal agent with the same
        information in this scene; None where the world has none.
      trial_success: whether the last context trial succeeded; None without trials.
      run: name of the run, where several are compared; not a column of the table.
    """

    method: str
    task_id: str
    family: str
    rule: str = ""
    pair: int
    scene_seed: int
    demo_id: str
    trial_ids: tuple[str, ...] = ()
    episode_id: str
    success: bool
    wrong_target: bool | None = None
    conflict: bool | None = None
    open_targets: int | None = None
    ceiling: float | None = None
    trial_success: bool | None = None
    run: str = ""

    @property
    def rule_kind(self) -> str:
        """Kind of the rule, such as `identity`; empty in worlds without rules."""
        return self.rule.partition(":")[0]

    @property
    def key(self) -> tuple[str, int]:
        """Task and index of the scenario, by which methods are paired."""
        return self.task_id, self.pair


def grouped(rows: Iterable, field: str) -> dict[Any, list]:
    """Return rows by a field, in order of appearance."""
    groups: dict[Any, list] = {}
    for row in rows:
        groups.setdefault(getattr(row, field), []).append(row)
    return groups


def scene_as_task(rows: Iterable[RolloutRow]) -> list[RolloutRow]:
    """Return rows in which each scene is a task, for intervals over scenes alone."""
    return [
        dataclasses.replace(row, task_id=f"{row.task_id}/{row.pair}", pair=0)
        for row in rows
    ]


_LATER = ("open_targets",)  # columns that tables of earlier versions lack
_BOOLS = {"0": False, "1": True, "": None}
_PARSERS = {
    "pair": int,
    "scene_seed": int,
    "trial_ids": lambda cell: tuple(cell.split()),
    "success": {"0": False, "1": True}.__getitem__,
    "wrong_target": _BOOLS.__getitem__,
    "conflict": _BOOLS.__getitem__,
    "open_targets": lambda cell: int(cell) if cell else None,
    "ceiling": lambda cell: float(cell) if cell else None,
    "trial_success": _BOOLS.__getitem__,
}


def _columns(kind: type) -> list[str]:
    return [field.name for field in dataclasses.fields(kind) if field.name != "run"]


def write_csv(rows: Iterable, path: str | os.PathLike, kind: type = RolloutRow):
    """Write instances of `kind`, whose fields except `run` are columns, atomically."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_columns(kind))
    for row in rows:
        writer.writerow([_text(getattr(row, name)) for name in _columns(kind)])
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_durably(path, text.getvalue().encode())


def read_csv(path: str | os.PathLike, run: str = "") -> list[RolloutRow]:
    """Read rows of `write_csv`, of the run `run`; ignore unknown columns.

    Raises:
      ValueError: if the file is no such table; the message names the line.
    """
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        columns = [
            name
            for name in _columns(RolloutRow)
            if name in header or name not in _LATER
        ]
        missing = [name for name in columns if name not in header]
        if missing:
            raise ValueError(f"{path} has no column {', '.join(missing)}")
        rows = []
        for cells in reader:
            try:
                named = dict(zip(header, cells, strict=True))
                values = {n: _PARSERS.get(n, str)(named[n]) for n in columns}
            except (KeyError, ValueError) as error:
                raise ValueError(
                    f"{path}, line {reader.line_num}, is not a rollout ({error!r})"
                ) from error
            rows.append(RolloutRow(**values, run=run))
    return rows


def _text(value) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        if any(" " in part or not part for part in value):
            raise ValueError(f"an id of {value} is empty or contains a space")
        return " ".join(value)
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    return str(value)
