"""Export to LeRobot's dataset format, version 3.0.

Layout: frames of many episodes per file in `data/chunk-000/file-000.parquet`, one row
group per episode; the table of episodes in `meta/episodes/`, laid out likewise;
`meta/tasks.parquet`, `meta/stats.json` and `meta/info.json`, which names the features.
See https://huggingface.co/docs/lerobot/lerobot-dataset-v3.

A frame is an observation and the action taken at it, so the observation after the last
action is left out, and physics states are too. Images are embedded without loss, or
stored as videos with loss, in `videos/CAMERA/chunk-000/file-000.mp4`.
"""

import contextlib
import json
import math
import os
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode, EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.metadata import METADATA, NUMPY_TYPES, Kind
from wtl.datasets.format import images, schema
from wtl.datasets.interchange import lerobot_video
from wtl.datasets.interchange.lerobot_stats import Stats
from wtl.datasets.interchange.lerobot_video import CameraVideo
from wtl.datasets.reading import reader
from wtl.datasets.storage import card
from wtl.datasets.storage.location import resolve

_VERSION = "v3.0"
_FILE = "chunk-{chunk_index:03d}/file-{file_index:03d}"
_TABLE, _VIDEO = f"{_FILE}.parquet", f"{_FILE}.mp4"
_VIDEO_PATH = f"videos/{{video_key}}/{_VIDEO}"
_FILE_MEGABYTES = 100
_FILES_PER_CHUNK = 1000
OURS = "wtl"  # before the names of our metadata, in the table of episodes
_NAMES = {
    fields.ACTION: "action",
    fields.REWARD: "next.reward",
    fields.IS_LAST: "next.done",
}
CAMERAS = {fields.IMAGE: "images.fixed", fields.WRIST_IMAGE: "images.wrist"}
_INDICES = ("frame_index", "episode_index", "index", "task_index")
_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def export(
    dataset_dir: str | os.PathLike, folder: str | os.PathLike, videos: bool = False
) -> int:
    """Write a published dataset as a folder that LeRobot loads.

    The folder appears whole or not at all. Return the number of exported episodes.

    Args:
      dataset_dir: version folder of the dataset, or a folder that holds it alone.
      folder: the folder to write.
      videos: whether images become videos, with loss.

    Raises:
      UserError: if the folder is there or cannot be written, there are no actions, or
        the control rate is not one whole number.
      DatasetNotFoundError, DatasetMismatchError, DatasetDamagedError: if the dataset
        cannot be read.
    """
    source, folder = resolve(dataset_dir), pathlib.Path(folder)
    spec = schema.stored_spec(source)
    if not spec.action_size:
        raise UserError(f"{source} holds videos; LeRobot's policies need actions")
    if folder.exists():
        raise UserError(f"{folder} exists already; give another name")
    partial = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        partial.mkdir(parents=True)
        with contextlib.closing(_Export(partial, spec, videos)) as made:
            for episode in reader.iterate_episodes(source):
                made.add(episode)
        made.finish()
        license_text = card.stored_license(source)
        (partial / fields.LICENSE_FILE).write_text(license_text, encoding="utf-8")
        os.rename(partial, folder)
    except (OSError, av.FFmpegError) as error:
        raise UserError(f"{folder} cannot be written ({error})") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return made.count


class _Export:
    """Writer of the export folder."""

    def __init__(self, folder: pathlib.Path, spec: EpisodeSpec, videos: bool):
        self._folder = folder
        self._with_videos = videos
        self._videos: dict[str, CameraVideo] = {}
        self._features = _features(spec)
        self._schema = _frame_schema(self._features, videos)
        self._writer: pq.ParquetWriter | None = None
        self._file = -1
        self._bytes = 0
        self._fps: float | None = None
        self._tasks: dict[str, int] = {}
        self._rows: list[dict[str, Any]] = []
        self._frames = 0
        self._splits: dict[str, list[int]] = {}
        self._stats: dict[str, Stats] = {}

    @property
    def count(self) -> int:
        return len(self._rows)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        for video in self._videos.values():
            video.close()

    def add(self, episode: Episode) -> None:
        """Write one episode."""
        number, length = len(self._rows), len(episode) - 1
        self._claim_rate(episode)
        known = episode.metadata
        task = known.get(fields.INSTRUCTION) or known[fields.TASK_ID]
        frame = np.arange(length)
        columns = {
            key: episode.steps[name][:-1]
            for name in episode.steps
            if (key := _key(name))
        }
        columns[_NAMES[fields.IS_LAST]] = episode.steps[fields.IS_LAST][1:]
        columns |= {
            "timestamp": (frame / self._fps).astype(np.float32),
            "frame_index": frame,
            "episode_index": np.full(length, number),
            "index": self._frames + frame,
            "task_index": np.full(
                length, self._tasks.setdefault(task, len(self._tasks))
            ),
        }
        table = pa.table(
            [_column(columns[f.name], f.type) for f in self._schema], self._schema
        )
        place = self._write(table)
        stats = {name: Stats.of(array) for name, array in columns.items()}
        self._stats = {
            name: self._stats[name].merged(found) if self._stats else found
            for name, found in stats.items()
        }
        self._rows.append(
            {
                "episode_index": number,
                "tasks": [task],
                "length": length,
                **{f"data/{key}": index for key, index in place.items()},
                **self._filmed(columns),
                "dataset_from_index": self._frames,
                "dataset_to_index": self._frames + length,
                "meta/episodes/chunk_index": 0,
                "meta/episodes/file_index": 0,
                **{
                    f"stats/{name}/{key}": value
                    for name, found in stats.items()
                    for key, value in found.values().items()
                },
                **{f"{OURS}/{name}": value for name, value in episode.metadata.items()},
            }
        )
        self._frames += length
        split = episode.metadata[fields.SPLIT]
        self._splits.setdefault(split, [number, number])[1] = number + 1

    def finish(self) -> None:
        """Write the tables that summarise all episodes."""
        self.close()
        fps = int(self._fps)
        described = {
            name: lerobot_video.feature(feature, fps)
            if name in self._videos
            else feature
            for name, feature in self._features.items()
        }
        meta = self._folder / "meta"
        path = meta / "episodes" / _TABLE.format(chunk_index=0, file_index=0)
        path.parent.mkdir(parents=True)
        pq.write_table(_episode_table(self._rows), path)
        pq.write_table(_task_table(self._tasks), meta / "tasks.parquet")
        _write_json(
            meta / "stats.json", {name: s.values() for name, s in self._stats.items()}
        )
        _write_json(
            meta / "info.json",
            {
                "codebase_version": _VERSION,
                "robot_type": OURS,
                "total_episodes": len(self._rows),
                "total_frames": self._frames,
                "total_tasks": len(self._tasks),
                "chunks_size": _FILES_PER_CHUNK,
                "data_files_size_in_mb": _FILE_MEGABYTES,
                "video_files_size_in_mb": _FILE_MEGABYTES,
                "fps": fps,
                "splits": {
                    split: f"{first}:{end}"
                    for split, (first, end) in self._splits.items()
                },
                "data_path": f"data/{_TABLE}",
                "video_path": f"videos/{{video_key}}/{_VIDEO}"
                if self._videos
                else None,
                "features": described,
            },
        )

    def _filmed(self, columns: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Add the images of an episode to the videos; return where they are."""
        if not self._with_videos:
            return {}
        place = {}
        for name, feature in self._features.items():
            if feature["dtype"] != "image":
                continue
            if name not in self._videos:
                self._videos[name] = CameraVideo(
                    self._folder / "videos" / name,
                    _VIDEO,
                    int(self._fps),
                    _FILE_MEGABYTES << 20,
                    _FILES_PER_CHUNK,
                )
            found = self._videos[name].add(columns[name])
            place |= {f"videos/{name}/{key}": value for key, value in found.items()}
        return place

    def _claim_rate(self, episode: Episode) -> None:
        rate = float(episode.metadata[fields.CONTROL_HZ])
        if self._fps is None:
            self._fps = rate
        if rate != self._fps or rate != int(rate):
            raise UserError(
                f"episode {episode.id} is of {rate:g} Hz, but LeRobot needs one whole "
                "number for all; `wtl dataset filter --where control_hz=...` chooses"
            )

    def _write(self, table: pa.Table) -> dict[str, int]:
        """Write an episode as a row group; return the chunk and file they are in."""
        is_full = self._bytes + table.nbytes > _FILE_MEGABYTES << 20
        self._file += is_full or self._writer is None
        chunk, file = divmod(self._file, _FILES_PER_CHUNK)
        place = {"chunk_index": chunk, "file_index": file}
        if is_full or self._writer is None:
            self.close()
            path = self._folder / "data" / _TABLE.format(**place)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer, self._bytes = pq.ParquetWriter(path, self._schema), 0
        self._writer.write_table(table)
        self._bytes += table.nbytes
        return place


def _features(spec: EpisodeSpec) -> dict[str, dict[str, Any]]:
    arrays = spec.step_arrays()
    features = {}
    for name, (shape, dtype) in arrays.items():
        if (key := _key(name)) and dtype == np.uint8:
            features[key] = {
                "dtype": "image",
                "shape": list(shape),
                "names": ["height", "width", "channels"],
            }
        elif key:
            features[key] = _feature(dtype.name, [math.prod(shape)])
    features["action"]["names"] = list(spec.action_names) or None
    features["timestamp"] = _feature("float32", [1])
    return features | {name: _feature("int64", [1]) for name in _INDICES}


def _key(name: str) -> str | None:
    """Return LeRobot's name of a step field; None if it is left out."""
    if name in fields.STEP_FIELDS:
        return _NAMES.get(name)
    return f"observation.{CAMERAS.get(name, name.replace('/', '.'))}"


def _feature(dtype: str, shape: list[int]) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "names": None}


def _frame_schema(features: Mapping[str, dict[str, Any]], videos: bool) -> pa.Schema:
    columns = []
    for name, feature in features.items():
        if feature["dtype"] == "image":
            if videos:
                continue
            columns.append((name, _IMAGE))
            continue
        kind = pa.from_numpy_dtype(np.dtype(feature["dtype"]))
        (size,) = feature["shape"]
        columns.append((name, kind if size == 1 else pa.list_(kind, size)))
    return pa.schema(columns)


def _column(array: np.ndarray, kind: pa.DataType) -> pa.Array:
    if kind == _IMAGE:
        rows = [{"bytes": images.encode(i, images.PNG), "path": None} for i in array]
        return pa.array(rows, kind)
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(array.ravel(), kind.list_size)
    return pa.array(array.ravel(), kind)


def _episode_table(rows: list[dict[str, Any]]) -> pa.Table:
    ours = {f"{OURS}/{name}": _arrow(field.kind) for name, field in METADATA.items()}
    return pa.table(
        {key: pa.array([row[key] for row in rows], ours.get(key)) for key in rows[0]}
    )


def _arrow(kind: Kind) -> pa.DataType:
    number = NUMPY_TYPES.get(kind)
    item = pa.from_numpy_dtype(number) if number else pa.string()
    return pa.list_(item) if kind in (Kind.TEXTS, Kind.FLOATS) else item


def _task_table(tasks: Mapping[str, int]) -> pa.Table:
    """Return the tasks as pandas writes a table indexed by them, for LeRobot."""
    table = pa.table(
        {"task_index": pa.array(tasks.values(), pa.int64()), "task": list(tasks)}
    )
    columns = [
        {
            "name": name,
            "field_name": name,
            "pandas_type": kind,
            "numpy_type": dtype,
            "metadata": None,
        }
        for name, kind, dtype in (
            ("task_index", "int64", "int64"),
            ("task", "unicode", "object"),
        )
    ]
    described = {
        "index_columns": ["task"],
        "column_indexes": [],
        "columns": columns,
        "pandas_version": "2.0.0",
    }
    return table.replace_schema_metadata({"pandas": json.dumps(described)})


def _write_json(path: pathlib.Path, tree: Any) -> None:
    path.write_text(json.dumps(tree, indent=4) + "\n", encoding="utf-8")
