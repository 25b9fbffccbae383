"""One evaluation rollout as a row of `episodes.csv`."""

import csv
import dataclasses
import os
import pathlib
from collections.abc import Iterable

import numpy as np


@dataclasses.dataclass(frozen=True)
class RolloutRow:
    """What one rollout of one method came to.

    Attributes:
      method: name of the method, such as `wtl`.
      task_id: the task.
      family: family of the task.
      rule: rule of the task, `identity:1` or `position:0`.
      pair: number of the pair of demonstration and scene within the task; methods
        are compared on the same pair.
      scene_seed: seed of the scene.
      demo_id: id of the demonstration of the pair.
      trial_ids: ids of the trials shown, in order; none for methods without.
      episode_id: id of this rollout.
      success: whether the goal held for the target.
      wrong_target: whether it held for something else.
      conflict: whether the readings of the demonstration by identity and by position
        point at different entities in this scene.
      ceiling: success, in [0, 1], of an ideal agent with the same information in this
        very scene.
      trial_success: whether the last trial in the scene succeeded; None for methods
        without.
      run: name of the run, where there are several; no column of the table.
    """

    method: str
    task_id: str
    family: str
    rule: str
    pair: int
    scene_seed: int
    demo_id: str
    trial_ids: tuple[str, ...]
    episode_id: str
    success: bool
    wrong_target: bool
    conflict: bool
    ceiling: float
    trial_success: bool | None = None
    run: str = ""

    @property
    def rule_kind(self) -> str:
        """`identity` or `position`."""
        return self.rule.partition(":")[0]

    @property
    def key(self) -> tuple[str, int]:
        """What methods are paired by: the task and the pair within it."""
        return self.task_id, self.pair


_NAMES = tuple(f.name for f in dataclasses.fields(RolloutRow) if f.name != "run")
_BOOLS = {"0": False, "1": True}


def write_csv(rows: Iterable[RolloutRow], path: str | os.PathLike) -> None:
    """Writes rows at once, never half of them."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_NAMES)
        for row in rows:
            writer.writerow([_text(getattr(row, name)) for name in _NAMES])
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_csv(path: str | os.PathLike, run: str = "") -> list[RolloutRow]:
    """Reads what `write_csv` wrote, also in a version that wrote more columns.

    Args:
      path: of the file.
      run: name of the run that it belongs to.

    Raises:
      ValueError: if the file is no such table; the message names the line.
    """
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        lacking = [name for name in _NAMES if name not in header]
        if lacking:
            raise ValueError(f"{path} has no column {', '.join(lacking)}")
        rows = []
        for cells in reader:
            try:
                rows.append(_parse(dict(zip(header, cells, strict=True)), run))
            except (KeyError, ValueError) as error:
                raise ValueError(
                    f"{path}, line {reader.line_num}, is no rollout ({error!r})"
                ) from error
    return rows


def _text(value) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        if any(" " in part or not part for part in value):
            raise ValueError(f"one of the ids {value} is empty or has a space in it")
        return " ".join(value)
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    return str(value)


def _parse(cells: dict[str, str], run: str) -> RolloutRow:
    trial_success = cells["trial_success"]
    return RolloutRow(
        method=cells["method"],
        task_id=cells["task_id"],
        family=cells["family"],
        rule=cells["rule"],
        pair=int(cells["pair"]),
        scene_seed=int(cells["scene_seed"]),
        demo_id=cells["demo_id"],
        trial_ids=tuple(cells["trial_ids"].split()),
        episode_id=cells["episode_id"],
        success=_BOOLS[cells["success"]],
        wrong_target=_BOOLS[cells["wrong_target"]],
        conflict=_BOOLS[cells["conflict"]],
        ceiling=float(cells["ceiling"]),
        trial_success=_BOOLS[trial_success] if trial_success else None,
        run=run,
    )
