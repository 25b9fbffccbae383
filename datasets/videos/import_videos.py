"""Import of a folder of videos as a version of `wtl_human_videos`.

Videos are staged one by one, so that a rerun after an interruption or a fault does not
decode them again.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.progress import progress
from wtl.datasets.format import images
from wtl.datasets.format.decoding import DecodeError
from wtl.datasets.storage import location, publish, staging, verify
from wtl.datasets.storage.shard_lock import ShardLock
from wtl.datasets.videos import video_folder as videos_lib

_NAME = fields.WTL_HUMAN_VIDEOS


def import_videos(
    directory: str | os.PathLike,
    datasets_root: str | os.PathLike,
    *,
    pixels: int = videos_lib.PIXELS,
    encoding: str = images.PNG,
    families: Sequence[str] = (),
    origin: Mapping[str, Any] | None = None,
) -> pathlib.Path:
    """Publish a folder of videos, unless the newest version has the same content.

    Args:
      directory: holds `videos/*.mp4` or `.mov`, and `tasks.csv`.
      datasets_root: where datasets are published.
      pixels: height and width of the images.
      encoding: their encoding, a key of `wtl.datasets.format.images.ENCODINGS`.
      families: valid names of families; all names are valid if empty.
      origin: JSON-serialisable addition to the provenance: commit, versions.

    Returns:
      The version folder.

    Raises:
      UserError: if the folder, a row or a video is faulty, or the root cannot be
        written; nothing is published then.
      StagingError, PublishError: if the disk is full.
      DatasetLockedError: if another import writes there.
    """
    images.require_side(pixels)
    folder = videos_lib.VideoFolder(directory, families)
    spec = videos_lib.spec(pixels, encoding)
    root = pathlib.Path(datasets_root)
    work = root / f".{_NAME}"
    with contextlib.ExitStack() as stack:
        try:
            work.mkdir(parents=True, exist_ok=True)
            stack.enter_context(ShardLock(work / "lock", f"{root / _NAME}"))
        except OSError as error:
            raise UserError(f"{root} cannot be written ({error.strerror})") from error
        versions = location.versions(root / _NAME)
        account = _account(folder, spec)
        if not (versions and not folder.faults and _is_made_of(versions[-1], account)):
            _stage(folder, spec, work / "staged")
            versions.append(
                publish.publish(
                    work / "staged",
                    root,
                    _NAME,
                    location.next_major(root / _NAME),
                    spec,
                    {**(origin or {}), **account},
                    license_text=folder.license,
                )
            )
        shutil.rmtree(work / "staged", ignore_errors=True)
    return versions[-1]


def _stage(
    folder: videos_lib.VideoFolder, spec: EpisodeSpec, staged: pathlib.Path
) -> None:
    """Stage the videos of a folder that are not staged yet."""
    wanted = _metadata(folder)
    if not _holds_only(staged, spec, wanted):
        shutil.rmtree(staged, ignore_errors=True)
    with staging.StagingWriter(staged, spec) as writer:
        todo = [
            video
            for video in folder.videos
            if video.metadata[fields.EPISODE_ID] not in writer.episode_ids
        ]
        bar = progress(
            todo,
            desc="videos",
            unit="video",
            initial=len(wanted) - len(todo),
            total=len(wanted),
        )
        for episode in folder.episodes(bar, spec.cameras[0].shape[0]):
            writer.append(episode)


def _metadata(folder: videos_lib.VideoFolder) -> dict[str, Mapping[str, Any]]:
    """Return the metadata of the episodes by id."""
    return {v.metadata[fields.EPISODE_ID]: v.metadata for v in folder.videos}


def _holds_only(
    staged: pathlib.Path, spec: EpisodeSpec, wanted: Mapping[str, Mapping[str, Any]]
) -> bool:
    """Return whether exactly these episodes, or some of them, are staged."""
    if not staging.is_staging(staged):
        return False
    try:
        return staging.read_spec(staged) == spec and all(
            episode.metadata == wanted.get(episode.id)
            for episode in staging.iterate_staged(staged)
        )
    except (staging.StagingError, DecodeError):
        return False


def _account(folder: videos_lib.VideoFolder, spec: EpisodeSpec) -> dict[str, Any]:
    """Return the provenance of the folder, with a key of its whole content."""
    made_of = [dataclasses.asdict(spec), _metadata(folder), folder.license]
    text = json.dumps(made_of, sort_keys=True)
    return {
        "command": "import_videos",
        "key": hashlib.sha256(text.encode()).hexdigest()[:16],
        "videos": {video.row.video: video.sha256 for video in folder.videos},
    }


def _is_made_of(version: pathlib.Path, account: Mapping[str, Any]) -> bool:
    if verify.verify(version):
        return False
    return location.read_provenance(version).get("key") == account["key"]
