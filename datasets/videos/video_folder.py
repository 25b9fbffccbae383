"""Folder of filmed videos: `videos/*.mp4` or `.mov`, and a `tasks.csv`.

A fault of a row or its file names the line. Faults are collected, so that all of them
can be corrected at once.
"""

import dataclasses
import functools
import os
import pathlib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from wtl.datasets.contract import fields, metadata, regular_file
from wtl.datasets.contract.episode import Episode, EpisodeSpec, episode_id
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.observation import observed
from wtl.datasets.contract.progress import progress
from wtl.datasets.format import images
from wtl.datasets.storage import checksums
from wtl.datasets.videos import video_frames
from wtl.datasets.videos.video_frames import MAX_BYTES, VideoError
from wtl.datasets.videos.video_tasks import RowError, TaskRow, TasksError, read_table

TASKS_FILE = "tasks.csv"
VIDEOS_FOLDER = "videos"
PIXELS = 64
_SUFFIXES = (".mp4", ".mov")  # of one format
_MAX_FAULTS = 10
_NO_LICENSE = (
    "All rights reserved by those who filmed the videos and are seen in them.\n"
)


class VideosError(UserError):
    """Rows of tasks.csv, or their videos, are faulty.

    Attributes:
      faults: one line each, ten at most.
    """

    def __init__(self, faults: list[str]):
        self.faults = faults[:_MAX_FAULTS]
        super().__init__("\n".join(self.faults))


@dataclasses.dataclass(frozen=True)
class Video:
    """A video file and its row in tasks.csv.

    Attributes:
      line: of its row in tasks.csv.
      path: its file.
      row: its row.
      sha256: of the file, in hexadecimal.
    """

    line: int
    path: pathlib.Path
    row: TaskRow
    sha256: str

    @functools.cached_property
    def metadata(self) -> dict[str, Any]:
        """Metadata of the episode; its id depends on dataset, task and content."""
        given = self.row.metadata
        task_id, role = given[fields.TASK_ID], given[fields.ROLE]
        seed = int(self.sha256, 16)
        name = episode_id(fields.WTL_HUMAN_VIDEOS, task_id, role, 0, seed)
        return metadata.complete({**given, fields.EPISODE_ID: name})

    def episode(self, pixels: int) -> Episode:
        """Decode the video.

        Raises:
          VideoError: if that fails.
        """
        hz = self.metadata[fields.CONTROL_HZ]
        span = self.row.start_s, self.row.end_s
        image = video_frames.read(self.path, pixels, hz, *span)
        return Episode.build(observations={fields.IMAGE: image}, **self.metadata)


class VideoFolder:
    """A folder of videos.

    Attributes:
      tasks: path of its tasks.csv.
      videos: videos without a visible fault, in order of their rows.
      faults: faults of the others that are visible without decoding.
      license: text of its LICENSE; all rights are reserved without one.
    """

    def __init__(self, directory: str | os.PathLike, families: Sequence[str] = ()):
        """Read tasks.csv and hash the videos.

        Args:
          directory: the folder.
          families: valid names of families; all names are valid if empty.

        Raises:
          TasksError: if tasks.csv or the folder of videos is missing, or if the
            former cannot be understood.
        """
        self._root = pathlib.Path(directory)
        self.tasks = self._root / TASKS_FILE
        self._folder = self._root / VIDEOS_FOLDER
        self.videos: list[Video] = []
        self.faults: list[str] = []
        self.license = self._license()
        self._require_regular(self.tasks)
        columns, rows = read_table(self.tasks)
        if not self._folder.is_dir():
            raise TasksError(f"there is no folder {self._folder} for {self.tasks}")
        line_of: dict[str, int] = {}  # by name and by content
        for line, cells in progress(rows, desc="checking", unit="video", leave=False):
            try:
                row = TaskRow.parse(columns, cells, families)
                _claim(line_of, row.video, line)
                path = self._path(row.video)
                content = _sha256(path)
                _claim(line_of, content, line)
                self.videos.append(Video(line, path, row, content))
            except RowError as error:
                self.faults.append(f"{self.tasks} line {line}: {error}")
        listed = {_composed(cell) for _, cells in rows for cell in cells}
        for path in sorted(self._folder.iterdir()):
            # Hidden files are what file managers leave behind.
            is_hidden = path.name.startswith(".")
            is_listed = _composed(path.name) in listed
            if _is_video(path) and not is_hidden and not is_listed:
                self.faults.append(
                    f"{self.tasks}: no line for {_shown(path)}; add one or take the "
                    "file away"
                )

    def episodes(self, videos: Iterable[Video], pixels: int) -> Iterator[Episode]:
        """Decode videos of this folder to `pixels` square, and skip faulty ones.

        Raises:
          VideosError: at the end, if anything in the folder is faulty.
        """
        faults = list(self.faults)
        for video in videos:
            if len(faults) >= _MAX_FAULTS:
                break
            try:
                episode = video.episode(pixels)
            except VideoError as error:
                shown = _shown(video.path)
                faults.append(f"{self.tasks} line {video.line}: {shown} {error}")
            else:
                yield episode
        if faults:
            raise VideosError(faults)

    def _license(self) -> str:
        file = self._root / fields.LICENSE_FILE
        self._require_regular(file)
        if not file.exists():
            return _NO_LICENSE
        return file.read_text(encoding="utf-8", errors="replace")

    def _require_regular(self, file: pathlib.Path) -> None:
        """Refuse a file that is there and is no regular one of this folder."""
        fault = regular_file.fault(file, self._root)
        if fault and os.path.lexists(file):
            raise TasksError(f"{file} {fault}")

    def _path(self, name: str) -> pathlib.Path:
        """Return the path of a video.

        Raises:
          RowError: if it must not or cannot be read.
        """
        if "/" in name or "\\" in name:
            raise RowError(
                f"video {name!r} must be the name of a file in {VIDEOS_FOLDER}/, "
                "without folders"
            )
        path = self._folder / name
        if not os.path.exists(path):  # pathlib's fails if it is too long
            # macOS decomposes the characters of names, tables do not.
            same = (
                p
                for p in self._folder.iterdir()
                if _composed(p.name) == _composed(name)
            )
            path = next(same, path)
        if not _is_video(path):
            raise RowError(f"video {name!r} is not the name of an .mp4 or .mov file")
        if fault := regular_file.fault(path, self._root):
            raise RowError(f"{_shown(path)} {fault}")
        size = path.stat().st_size
        if not size:
            raise RowError(f"{_shown(path)} is empty")
        if size > MAX_BYTES:
            raise RowError(
                f"{_shown(path)} has {-(-size >> 20)} MiB; at most "
                f"{MAX_BYTES >> 20} are read: cut it or scale it down"
            )
        return path


def is_videos(directory: str | os.PathLike) -> bool:
    """Return whether a folder is a folder of videos."""
    return (pathlib.Path(directory) / TASKS_FILE).is_file()


def spec(pixels: int, encoding: str = images.PNG) -> EpisodeSpec:
    """Return the spec of filmed videos."""
    return EpisodeSpec(observed(pixels=pixels), image_encoding=encoding)


def _is_video(path: pathlib.Path) -> bool:
    return path.suffix.lower() in _SUFFIXES


def _claim(line_of: dict[str, int], key: str, line: int) -> None:
    if key in line_of:
        raise RowError(f"its video is that of line {line_of[key]} again")
    line_of[key] = line


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _sha256(path: pathlib.Path) -> str:
    try:
        return checksums.checksum(path).sha256
    except OSError as error:
        raise RowError(f"{_shown(path)} cannot be read ({error.strerror})") from None


def _shown(path: pathlib.Path) -> str:
    return f"{VIDEOS_FOLDER}/{path.name}"
