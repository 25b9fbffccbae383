"""Location of published datasets: `<root>/<name>/<version>/`."""

import os
import pathlib
import re
from collections.abc import Iterator
from typing import Any

from wtl.datasets.contract import fields, json_file
from wtl.datasets.contract.errors import DatasetDamagedError
from wtl.datasets.contract.names import did_you_mean

_NAME = re.compile(r"[A-Za-z0-9]\w*", re.ASCII)
# The only places of shards that are read here: TFDS would read others.
_TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
# The command that makes a dataset, for the message when it is missing.
_STAGES = {
    fields.WTL_DEMOS: "collect_demos",
    fields.WTL_TRIALS: "collect_trials",
    fields.WTL_RETRIALS: "collect_retrials",
    fields.WTL_HUMAN_VIDEOS: "import_videos",
    fields.WTL_EXPLORATIONS: "collect_explorations",
}


class DatasetNotFoundError(FileNotFoundError):
    """There is no published dataset at the given place."""


def version_key(version: str) -> tuple[int, int, int] | None:
    """Return the sort key of a `MAJOR.MINOR.PATCH` version; None for other texts."""
    match = _VERSION.fullmatch(version)
    return tuple(int(part) for part in match.groups()) if match else None


def versions(folder: str | os.PathLike) -> list[pathlib.Path]:
    """Return the published versions in a `<root>/<name>/` folder, oldest first."""
    found = [
        path
        for path in pathlib.Path(folder).glob("*")
        if version_key(path.name) and (path / fields.INFO_FILE).is_file()
    ]
    return sorted(found, key=lambda path: version_key(path.name))


def resolve(dataset_dir: str | os.PathLike) -> pathlib.Path:
    """Return the version folder that a path names; of a dataset, that of its newest.

    Raises:
      DatasetNotFoundError: if there is no published version.
    """
    path = pathlib.Path(dataset_dir)
    if (path / fields.INFO_FILE).is_file():
        return path
    if path.is_dir() and (found := versions(path)):
        return found[-1]
    if version_key(path.name) and (found := versions(path.parent)):
        there = ", ".join(version.name for version in found)
        raise DatasetNotFoundError(f"no dataset at {path}; there are versions {there}")
    stage = next((_STAGES[part] for part in path.parts if part in _STAGES), None)
    hint = (
        f"run `wtl {stage}` first"
        if stage
        else f"give a folder that holds {fields.INFO_FILE}"
    )
    if not path.exists() and path.absolute().parent.is_dir():
        names = [other.name for other in path.absolute().parent.iterdir()]
        hint += did_you_mean(path.name, names)
    raise DatasetNotFoundError(f"no dataset at {path}: {hint}")


def read_info(dataset_dir: pathlib.Path) -> dict:
    """Return name, version, shard lengths by split and release notes of a dataset.

    Raises:
      DatasetDamagedError: if dataset_info.json is missing or invalid, or names what
        cannot be part of a file's name.
    """
    path = dataset_dir / fields.INFO_FILE
    try:
        info = json_file.read(path)
        name, version = str(info["name"]), str(info["version"])
        splits = {}
        for split in info["splits"]:
            lengths = [int(length) for length in split["shardLengths"]]
            template = split.get("filepathTemplate", _TEMPLATE)
            if template != _TEMPLATE or min(lengths, default=0) < 0:
                raise ValueError(
                    f"the files of {split['name']} are not as TFDS has them"
                )
            splits[split["name"]] = lengths
        for text in (name, *splits):
            if not _NAME.fullmatch(text):
                raise ValueError(f"{text!r} cannot name a dataset or a split")
        if version_key(version) is None:
            raise ValueError(f"version {version!r} is not of the form 1.0.0")
        return {
            "name": name,
            "version": version,
            "splits": splits,
            "release_notes": {
                str(version): str(note)
                for version, note in info.get("releaseNotes", {}).items()
            },
        }
    except (
        *(OSError, ValueError, OverflowError),
        *(KeyError, TypeError, AttributeError),
    ) as error:
        raise DatasetDamagedError(
            f"{path} cannot be read ({type(error).__name__}: {error})"
        ) from None


def read_provenance(dataset_dir: pathlib.Path) -> dict[str, Any]:
    """Return the provenance of a dataset; empty if it has none.

    Raises:
      DatasetDamagedError: if it cannot be read.
    """
    path = dataset_dir / fields.PROVENANCE_FILE
    try:
        account = json_file.read(path) if os.path.lexists(path) else {}
        parents = account.get("parents", [])
        if isinstance(parents, list):
            if not all(isinstance(each["fingerprint"], str) for each in parents):
                raise ValueError("a fingerprint of a parent is no text")
        if not isinstance(account.get(fields.PROVENANCE_WORLD, ""), str):
            raise ValueError("the name of the world is no text")
        return account
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetDamagedError(
            f"{path} cannot be read ({type(error).__name__}: {error})"
        ) from None


def next_major(folder: str | os.PathLike) -> str:
    """Return the next major version of a `<root>/<name>/` folder, as `2.0.0`."""
    return (
        f"{1 + max((version_key(v.name)[0] for v in versions(folder)), default=0)}.0.0"
    )


def shards(dataset_dir: pathlib.Path) -> Iterator[tuple[str, str, int]]:
    """Yield split, file name and number of episodes of each shard.

    Raises:
      DatasetDamagedError: if dataset_info.json is missing or invalid.
    """
    info = read_info(dataset_dir)
    for split, lengths in info["splits"].items():
        for index, length in enumerate(lengths):
            yield split, shard_name(info["name"], split, index, len(lengths)), length


def shard_name(name: str, split: str, index: int, count: int) -> str:
    """Return the file name of a shard, as TFDS expects it."""
    return f"{name}-{split}.tfrecord-{index:05d}-of-{count:05d}"
