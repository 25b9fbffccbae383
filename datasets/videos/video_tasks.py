"""tasks.csv: the task that each video of a folder shows, one row for each.

video,task_id,family,split,person,start_s
red_cup_1.mp4,red_cup,lift,train,anna,0.5
"""

import csv
import dataclasses
import io
import math
import pathlib
from collections.abc import Sequence
from typing import Any

from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError

REQUIRED = ("video", "task_id", "family", "split")
OPTIONAL = ("object_set", "person", "start_s", "end_s", "success")
_COLUMNS = (*REQUIRED, *OPTIONAL)
_TRUTHS = {"": True, "true": True, "1": True, "false": False, "0": False}


class TasksError(UserError):
    """tasks.csv cannot be understood as a whole."""


class RowError(ValueError):
    """Fault of a row, as a clause."""


@dataclasses.dataclass(frozen=True)
class TaskRow:
    """A valid row; its video is not checked.

    Attributes:
      video: name of its file.
      start_s: start of the episode, in seconds after the first frame.
      end_s: its end, likewise; infinite if not given.
      metadata: of the episode, without its id.
    """

    video: str
    start_s: float
    end_s: float
    metadata: dict[str, Any]

    @classmethod
    def parse(
        cls,
        columns: Sequence[str],
        cells: Sequence[str],
        families: Sequence[str] = (),
    ) -> "TaskRow":
        """Read the cells of a row; `families` are the valid ones, all if empty.

        Raises:
          RowError: if a cell is missing or invalid.
        """
        if len(cells) != len(columns):
            raise RowError(f"it has {len(cells)} cells for {len(columns)} columns")
        row = dict.fromkeys(OPTIONAL, "") | dict(zip(columns, cells, strict=True))
        for column in ("task_id", "family"):
            if not row[column]:
                raise RowError(f"{column} is empty")
        for column, values in (("family", families), ("split", fields.SPLITS)):
            if values and row[column] not in values:
                raise RowError(
                    f"{column} {row[column]!r} is none of {', '.join(values)}"
                )
        success = _TRUTHS.get(row["success"].lower())
        if success is None:
            raise RowError(f"success {row['success']!r} is neither true nor false")
        start_s = _seconds(row["start_s"] or "0", "start_s")
        end_s = _seconds(row["end_s"], "end_s") if row["end_s"] else math.inf
        if end_s <= start_s:
            raise RowError(f"end_s {end_s:g} is not after start_s {start_s:g}")
        is_part = start_s > 0 or end_s < math.inf
        part = f", {start_s:.9g} s to {end_s:.9g} s" if is_part else ""
        person = row["person"]
        metadata = {
            fields.TASK_ID: row["task_id"],
            fields.FAMILY: row["family"],
            fields.OBJECT_SET: row["object_set"],
            fields.SPLIT: row["split"],
            fields.ROLE: fields.ROLE_DEMO,
            fields.SCENE_SEED: -1,
            fields.SUCCESS: success,
            fields.DEMONSTRATOR: f"human:{person}" if person else "human",
            fields.NOTES: row["video"] + part,
        }
        return cls(row["video"], start_s, end_s, metadata)


def read_table(path: pathlib.Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Read the columns of tasks.csv, and the cells of each row with its line.

    Raises:
      TasksError: if it is missing, no CSV, without rows, or if a column is missing or
        unknown.
    """
    try:
        # As spreadsheets write it, perhaps with a byte order mark.
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise TasksError(
            f"there is no {path}; its first line must name the columns "
            f"{','.join(REQUIRED)} and, where wanted, {','.join(OPTIONAL)}"
        ) from None
    except UnicodeDecodeError:
        raise TasksError(f"{path} is not UTF-8 text; save it as such") from None
    except OSError as error:
        raise TasksError(f"{path} cannot be read ({error.strerror})") from None
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        columns = [name.strip() for name in next(reader, [])]
        rows = [
            (reader.line_num, [cell.strip() for cell in cells])
            for cells in reader
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        raise TasksError(f"{path} line {reader.line_num}: {error}") from None
    fault = _columns_fault(columns)
    if fault:
        raise TasksError(f"{path} line 1: {fault}")
    if not rows:
        raise TasksError(f"{path} names no video")
    return columns, rows


def _columns_fault(columns: Sequence[str]) -> str | None:
    for name in columns:
        if name not in _COLUMNS:
            return f"unknown column {name!r}; known are {', '.join(_COLUMNS)}"
        if columns.count(name) > 1:
            return f"column {name!r} is there twice"
    missing = [name for name in REQUIRED if name not in columns]
    return f"column {missing[0]!r} is missing" if missing else None


def _seconds(text: str, column: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise RowError(f"{column} {text!r} is not a time in seconds")
    return seconds
