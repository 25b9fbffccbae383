"""Files of a LeRobot dataset of version 2.0, 2.1 or 3.0, and the episodes they list.

`meta/info.json` names the features and has templates of paths. In version 2 every
episode has a Parquet file and a video of each camera, and `meta/episodes.jsonl` lists
them. In version 3 files hold many episodes, and tables in `meta/episodes/` say where
each lies. See https://huggingface.co/docs/lerobot/lerobot-dataset-v3.

The folder may be of any origin: no path leaves it, and sizes are checked before files
are read.
"""

import dataclasses
import itertools
import json
import math
import os
import pathlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.interchange import lerobot
from wtl.datasets.interchange.lerobot_feature import Feature

VERSIONS = ("v2.0", "v2.1", "v3.0")
_INFO, _EPISODES, _TASKS = "meta/info.json", "meta/episodes", "meta/tasks"
_MAX_TEXT_BYTES = 256 << 20
_MAX_EPISODES = 1 << 20
_MAX_TABLE_VALUES = 4 << 20  # of a column of a table in `meta`
_BATCH_ROWS = 256
# Encoded images may be larger than their pixels by this factor, and this many bytes.
_MOST_RATIO, _SMALL_BYTES = 2, 64 << 10
_FEW_BYTES = 16  # of values of fixed length: numbers of any kind
_SLOT = re.compile(r"\{([a-z_]+)(?::(0?\dd))?\}")  # of a template of paths
_RANGE = re.compile(r"(\d{1,9}):(\d{1,9})")  # of a split's episodes
_LICENSE = re.compile(r"^license:\s*(\S.*)$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class ListedEpisode:
    """An episode as the folder lists it.

    Attributes:
      index: its number.
      length: its number of frames.
      data: Parquet file of its rows.
      videos: file by feature, and the seconds at which the episode begins there.
      ours: metadata that WTL's export added.
    """

    index: int
    length: int
    data: pathlib.Path
    videos: Mapping[str, tuple[pathlib.Path, float]]
    ours: Mapping[str, Any]


class LeRobotFolder:
    """A folder of a LeRobot dataset.

    Attributes:
      info: text of `meta/info.json`.
      fps: frames per second.
      features: features of numbers and colour images, by name.
      unread: names of features of other kinds: texts, depth maps.
      tasks: text by number.
      splits: numbers of episodes by name of their split.
      episodes: listed episodes whose files are there.
      missing: name of a file that is missing, by the number of its episode.
      license: text of LICENSE, or the licence that the card names; None without both.
    """

    def __init__(self, directory: str | os.PathLike):
        """Read what the folder lists.

        Raises:
          UserError: if it is no such folder, a part of it is damaged or outside, or
            there is no episode.
        """
        self._root = pathlib.Path(directory).resolve()
        try:
            self._read()
        except (
            *(ValueError, LookupError, TypeError, AttributeError, ArithmeticError),
            *(OSError, RecursionError, pa.ArrowException),
        ) as error:
            raise self.fault(f"meta cannot be understood ({error!r})") from None
        self.require_episodes()

    def _read(self) -> None:
        path = self.file(_INFO)
        if path is None:
            raise self.fault(f"it has no {_INFO}: it is no LeRobot dataset")
        self.info = _text(path)
        info = json.loads(self.info)
        version = str(info["codebase_version"])
        if version not in VERSIONS:
            raise self.fault(
                f"version {version!r} is not read, only {', '.join(VERSIONS)}; convert "
                "it with LeRobot's scripts"
            )
        self._info = info
        self.fps = float(info["fps"])
        if not 0 < self.fps < math.inf:
            raise self.fault(f"{self.fps} frames per second")
        known = {n: Feature.read(n, node) for n, node in info["features"].items()}
        self.features = {name: found for name, found in known.items() if found}
        self.unread = [name for name, found in known.items() if not found]
        self._videos = [name for name, f in self.features.items() if f.is_video]
        self.tasks = self._tasks()
        self.splits = {
            name: range(int(found[1]), int(found[2]))
            for name, text in (info.get("splits") or {}).items()
            if (found := _RANGE.fullmatch(str(text)))
        }
        self.episodes: list[ListedEpisode] = []
        self.missing: dict[int, str] = {}
        rows = self._rows_of_v3() if version.startswith("v3") else self._rows_of_v2()
        seen = set()
        for row in itertools.islice(rows, _MAX_EPISODES):
            index, length = int(row["episode_index"]), int(row["length"])
            if index in seen:
                raise self.fault(f"episode {index} is listed twice")
            seen.add(index)
            if length < 1:
                self.missing[index] = "no frames"
            else:
                self._list(index, length, row)
        self._listed = len(seen)
        self.license = self._license()

    def fault(self, text: str) -> UserError:
        """Return an error of this folder."""
        return UserError(f"{self._root}: {text}")

    def require_episodes(self) -> None:
        """Refuse a folder of which all listed episodes are missing."""
        if len(self.missing) == self._listed:
            raise self.fault(self.missing_note() or "it lists no episode")

    def missing_note(self) -> str:
        """Return a clause on the episodes whose files are missing; empty if none is."""
        if not self.missing:
            return ""
        count = len(self.missing)
        first = "; ".join(
            f"{index} ({name!r})"
            for index, name in itertools.islice(sorted(self.missing.items()), 5)
        )
        more = f" and {count - 5} more" if count > 5 else ""
        return f"{count} of {self._listed} listed episodes have no file: {first}{more}"

    def _license(self) -> str | None:
        if path := self.file(fields.LICENSE_FILE):
            return _text(path)
        card = self.file(fields.CARD_FILE)
        found = _LICENSE.search(_text(card)) if card else None
        return f"{found[1]}\n" if found else None

    def file(self, name: str) -> pathlib.Path | None:
        """Return a file of the folder; None if it is missing.

        Raises:
          UserError: if it lies outside, or is no regular file.
        """
        path = self._root / name
        # A symbolic link or `..` makes a difference here.
        if path.resolve() != path or not path.is_relative_to(self._root):
            raise self.fault(
                f"{name!r} is a link or lies outside: copy the dataset without links"
            )
        if path.exists() and not path.is_file():
            raise self.fault(f"{name!r} is no regular file")
        return path if path.exists() else None

    def rows(
        self,
        data: pathlib.Path,
        lengths: Mapping[int, int],
        columns: Sequence[str],
    ) -> Iterator[tuple[int, pa.Table]]:
        """Yield number and rows of each listed episode of a data file.

        Args:
          data: the file.
          lengths: numbers of frames of the listed episodes.
          columns: names of the columns to be read, `episode_index` among them.

        Raises:
          UserError: if a column is missing or of another shape, an episode has more
            rows than the table of episodes says, or the file is damaged.
        """
        held, current = [], None
        try:
            with _open(data) as file:
                most = self._check_columns(file, data, columns)
                for batch, size in _batches(file, columns):
                    if size > most * len(batch):
                        raise self.fault(f"{data.name!r}: values are too large")
                    batch = _dense(batch)
                    numbers = batch["episode_index"].to_numpy()
                    if not np.issubdtype(numbers.dtype, np.integer):
                        raise self.fault(f"{data.name!r}: episode_index is not whole")
                    cuts = np.flatnonzero(np.diff(numbers)) + 1
                    for start, stop in itertools.pairwise([0, *cuts, len(numbers)]):
                        if numbers[start] != current:
                            if held:
                                yield current, pa.Table.from_batches(held)
                            held, current = [], int(numbers[start])
                        held.append(batch.slice(start, stop - start))
                        if sum(map(len, held)) > lengths.get(current, math.inf):
                            raise self.fault(f"episode {current} is longer than listed")
                        if current not in lengths:
                            held = []
                if held:
                    yield current, pa.Table.from_batches(held)
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise self.fault(f"{data.name!r} cannot be read ({error})") from None

    def _check_columns(
        self, file: pq.ParquetFile, data: pathlib.Path, columns: Sequence[str]
    ) -> int:
        """Return the most bytes of a row.

        Columns that are missing or have more values than their shape says are refused.
        """
        for name in columns:
            if name not in file.schema_arrow.names:
                raise self.fault(f"{data.name!r} has no column {name!r}")
        sizes = {
            name: 1 if feature.is_image else math.prod(feature.shape)
            for name, feature in self.features.items()
        }
        most = sum(
            _SMALL_BYTES + _MOST_RATIO * self.features[name].frame_bytes
            for name in columns
            if name in self.features
        )
        for group in map(file.metadata.row_group, range(file.num_row_groups)):
            for column in map(group.column, range(group.num_columns)):
                name = column.path_in_schema  # such as `action.list.element`
                while name and name not in sizes:
                    name = name.rpartition(".")[0]
                size = sizes.get(name)
                if size and column.num_values > size * group.num_rows:
                    raise self.fault(f"{data.name!r}: {name!r} is not of its shape")
        return most

    def _tasks(self) -> dict[int, str]:
        if path := self.file(f"{_TASKS}.parquet"):
            rows = list(self._table(path))
            # The texts are pandas's index, which may have no name.
            key = "task" if rows and "task" in rows[0] else "__index_level_0__"
        elif path := self.file(f"{_TASKS}.jsonl"):
            rows, key = _lines(path), "task"
        else:
            return {}
        return {int(row["task_index"]): str(row[key]) for row in rows}

    def _rows_of_v2(self) -> Iterator[dict[str, Any]]:
        path = self.file(f"{_EPISODES}.jsonl")
        if path is None:
            raise self.fault(f"it has no {_EPISODES}.jsonl")
        chunks_size = int(self._info["chunks_size"])
        for row in _lines(path):
            row["episode_chunk"] = int(row["episode_index"]) // chunks_size
            yield row | {f"videos/{key}/from_timestamp": 0.0 for key in self._videos}

    def _rows_of_v3(self) -> Iterator[dict[str, Any]]:
        folder = self._root / _EPISODES
        for path in sorted(folder.glob("chunk-*/file-*.parquet")):
            yield from self._table(self.file(str(path.relative_to(self._root))))

    def _table(self, path: pathlib.Path) -> Iterator[dict[str, Any]]:
        """Yield the rows of a table, without statistics."""
        with _open(path) as file:
            names = [n for n in file.schema_arrow.names if not n.startswith("stats/")]
            groups = map(file.metadata.row_group, range(file.num_row_groups))
            values = sum(
                max(group.column(i).num_values for i in range(group.num_columns))
                for group in groups
            )
            if file.metadata.num_rows > _MAX_EPISODES or values > _MAX_TABLE_VALUES:
                raise self.fault(f"{path.name!r} has too many rows")
            total = 0
            for batch, size in _batches(file, names):
                total += size
                if total > _MAX_TEXT_BYTES:
                    raise self.fault(f"{path.name!r}: values are too large")
                yield from batch.to_pylist()

    def _list(self, index: int, length: int, row: Mapping[str, Any]) -> None:
        """Add an episode to those that are there or those that are missing."""
        starts = {key: row.get(f"videos/{key}/from_timestamp") for key in self._videos}
        if unfilmed := [key for key, start in starts.items() if start is None]:
            self.missing[index] = unfilmed[0]
            return
        data = self._path("data_path", row, "data/")
        videos = {}
        for key, start in starts.items():
            name = self._path("video_path", row, f"videos/{key}/", video_key=key)
            videos[key] = name, float(start)
        for name in (data, *(name for name, _ in videos.values())):
            if self.file(name) is None:
                self.missing[index] = name
                return
        ours = f"{lerobot.OURS}/"
        self.episodes.append(
            ListedEpisode(
                index,
                length,
                self._root / data,
                {key: (self._root / name, at) for key, (name, at) in videos.items()},
                {n.removeprefix(ours): row[n] for n in row if n.startswith(ours)},
            )
        )

    def _path(
        self, template: str, row: Mapping[str, Any], place: str, **names: str
    ) -> str:
        """Return the path of an episode's file within the folder.

        Only the format's slots are filled in: a template may come from anybody.
        """
        text = self._info[template]
        if re.search("[{}]", _SLOT.sub("", text)):
            raise self.fault(f"the template {text!r} of {template} is not understood")
        values = {
            **names,
            **{key: row.get(key) for key in ("episode_index", "episode_chunk")},
            **{key: row.get(place + key) for key in ("chunk_index", "file_index")},
        }
        return _SLOT.sub(lambda slot: format(values[slot[1]], slot[2] or ""), text)


def _open(path: pathlib.Path) -> pq.ParquetFile:
    """Open a table; values of variable length stay in dictionaries.

    Raises:
      ValueError: if values are encoded so that few bytes may be many in any case.
    """
    with pq.ParquetFile(path, memory_map=True) as file:
        columns = [file.schema.column(i) for i in range(len(file.schema))]
        groups = map(file.metadata.row_group, range(file.num_row_groups))
        chunks = (group.column(i) for group in groups for i in range(len(columns)))
        if any(column.length > _FEW_BYTES for column in columns) or any(
            "DELTA_BYTE_ARRAY" in chunk.encodings for chunk in chunks
        ):
            raise ValueError("columns of fixed length or DELTA_BYTE_ARRAY are not read")
    texts = [c.path for c in columns if c.physical_type == "BYTE_ARRAY"]
    return pq.ParquetFile(path, memory_map=True, read_dictionary=texts)


def _batches(
    file: pq.ParquetFile, columns: Sequence[str]
) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Yield rows, and the bytes that they take without dictionaries."""
    for group in range(file.num_row_groups):  # each has dictionaries of its own
        for batch in file.iter_batches(_BATCH_ROWS, [group], columns):
            yield batch, sum(map(_size, batch.columns))


def _size(array: pa.Array) -> int:
    """Return the bytes that an array takes without dictionaries."""
    if pa.types.is_struct(array.type):
        return sum(map(_size, array.flatten()))
    if pa.types.is_nested(array.type):
        return _size(array.flatten())
    if not pa.types.is_dictionary(array.type):
        return array.nbytes
    sizes = pyarrow.compute.binary_length(array.dictionary).take(array.indices)
    return pyarrow.compute.sum(sizes.cast(pa.int64())).as_py() or 0


def _dense(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return rows without dictionaries, each of which is copied with every batch."""

    def dense(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_struct(kind):
            return pa.struct([f.with_type(dense(f.type)) for f in kind])
        return kind.value_type if pa.types.is_dictionary(kind) else kind

    schema = pa.schema([f.with_type(dense(f.type)) for f in batch.schema])
    return batch.cast(schema)


def _lines(path: pathlib.Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _text(path).splitlines() if line.strip()]


def _text(path: pathlib.Path) -> str:
    if path.stat().st_size > _MAX_TEXT_BYTES:
        raise ValueError(f"{path.name} is larger than {_MAX_TEXT_BYTES >> 20} MiB")
    return path.read_text(encoding="utf-8")
