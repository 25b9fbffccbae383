"""Publication of staged episodes as a version folder of a TFDS dataset.

The folder appears under its name only when it is complete and synced. Episodes
are written in order of their ids, so the bytes do not depend on the order in
which workers finished. Records are moved as they are, not decoded.
"""

import contextlib
import json
import logging
import os
import pathlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow_datasets as tfds

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.format import schema, statistics, tfrecord
from wtl.datasets.format.decoding import DecodeError, decode_metadata
from wtl.datasets.storage import card, checksums, location, staging
from wtl.datasets.storage.checksums import FileChecksum
from wtl.datasets.storage.files import sync

# Large enough to stream, small enough that two cores share a small dataset.
_SHARD_BYTES = 64 << 20
_INCOMPLETE = ".incomplete."
_INDEXED = (fields.EPISODE_ID, *card.CARD_FIELDS)


class PublishError(RuntimeError):
    """Staged episodes could not be published."""


class _Staged(NamedTuple):
    """A staged episode: its metadata and its record, a view into a file."""

    metadata: Mapping[str, Any]
    record: tfrecord.Record

    @property
    def frame(self) -> memoryview:
        """Bytes of the whole record."""
        return self.record.frame


def publish(
    staging_dir: str | os.PathLike,
    datasets_root: str | os.PathLike,
    name: str,
    version: str,
    spec: EpisodeSpec,
    provenance: Mapping[str, Any],
    *,
    release_notes: Mapping[str, str] | None = None,
    license_text: str = card.LICENSE,
    shard_bytes: int = _SHARD_BYTES,
) -> pathlib.Path:
    """Publish every staged episode as `<datasets_root>/<name>/<version>/`, returned.

    Args:
      staging_dir: a staging folder.
      datasets_root: where datasets are published.
      name: name of the dataset, in lower case with underscores.
      version: its version, `MAJOR.MINOR.PATCH`.
      spec: spec of the episodes.
      provenance: JSON-serialisable origin of the episodes: seeds, commit, config,
        versions, fingerprints of parents.
      release_notes: text by version.
      license_text: licence of the episodes.
      shard_bytes: about how large a shard becomes.

    Raises:
      PublishError: if nothing is staged, an episode is damaged, the version is there
        already, or the disk is full.
      DatasetLockedError: if a writer still has the staging folder open.
    """
    if location.version_key(version) is None:
        raise PublishError(f"version {version!r} is not of the form 1.0.0")
    target = pathlib.Path(datasets_root) / name / version
    if target.exists():
        raise PublishError(f"{target} exists already; publish another version")
    notes = dict(release_notes or {version: "First version."})
    try:
        staged_spec = staging.read_spec(staging_dir)
    except staging.StagingError as error:
        raise PublishError(str(error)) from None
    if staged_spec != spec:
        raise PublishError(f"{staging_dir} holds episodes of {staged_spec}")
    with staging.shard_lock(staging_dir):
        episodes = _staged_episodes(staging_dir)
        try:
            with _incomplete_folder(target) as folder:
                lengths, files = _write_shards(episodes, folder, name, shard_bytes)
                _write_tfds_files(
                    folder, name, version, spec, lengths, notes, license_text
                )
                metadata = [episode.metadata for episode in episodes]
                for file, text in {
                    fields.CARD_FILE: card.card(name, version, spec, metadata, notes),
                    fields.CITATION_FILE: card.citation(name),
                    fields.PROVENANCE_FILE: _json_text(provenance),
                    fields.STATISTICS_FILE: _json_text(_statistics(episodes, spec)),
                }.items():
                    (folder / file).write_text(text, encoding="utf-8")
                checksums.seal(folder, files)
                logging.info("sealed %s", folder)
                # Sealed and synced: the rename is what makes it visible.
                os.rename(folder, target)
                sync(target.parent)
        except OSError as error:
            raise PublishError(
                f"cannot publish {target}: {error.strerror or error}; the staged "
                "episodes are untouched"
            ) from error
    return target


def _staged_episodes(directory: str | os.PathLike) -> list[_Staged]:
    """Index staged episodes, sorted by id; their bytes stay in the file."""
    data = staging.staged_bytes(directory)
    found, end = [], 0
    for record in tfrecord.scan(data):
        end = record.end
        try:
            if not record.sound:
                raise DecodeError("its checksum does not fit")
            metadata = decode_metadata(record.payload, _INDEXED)
        except DecodeError as error:
            raise PublishError(
                f"{directory}: the episode at byte {record.offset} is damaged "
                f"({error}); run the stage again to repair it"
            ) from None
        found.append(_Staged(metadata, record))
    # A record cut off at the end was never acknowledged.
    if end < len(data) and not tfrecord.is_cut_off(data, end):
        raise PublishError(
            f"{directory}: damaged at byte {end}; run the stage again to repair it"
        )
    if not found:
        raise PublishError(f"no episode is staged in {directory}")
    return sorted(found, key=lambda episode: episode.metadata[fields.EPISODE_ID])


@contextlib.contextmanager
def _incomplete_folder(target: pathlib.Path) -> Iterator[pathlib.Path]:
    """Make a working folder, which a failure removes, and remove those of the dead."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f"{target.name}{_INCOMPLETE}*"):
        pid = left.name.rpartition(".")[2]
        if not pid.isdigit() or not pathlib.Path("/proc", pid).exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = target.with_name(f"{target.name}{_INCOMPLETE}{os.getpid()}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _write_shards(
    episodes: Sequence[_Staged], folder: pathlib.Path, name: str, shard_bytes: int
) -> tuple[dict[str, tuple[list[int], int]], dict[str, FileChecksum]]:
    """Return (shard lengths, payload bytes) by split, and checksums by file."""
    lengths, files = {}, {}
    for split in fields.SPLITS:
        chosen = [e for e in episodes if e.metadata[fields.SPLIT] == split]
        if not chosen:
            continue
        size = sum(len(episode.frame) for episode in chosen)
        count = min(len(chosen), max(1, -(-size // shard_bytes)))
        bounds = [len(chosen) * i // count for i in range(count + 1)]
        for index in range(count):
            shard = chosen[bounds[index] : bounds[index + 1]]
            file = location.shard_name(name, split, index, count)
            files[file] = _write_shard(folder / file, shard)
        lengths[split] = (
            [bounds[i + 1] - bounds[i] for i in range(count)],
            size - tfrecord.OVERHEAD * len(chosen),
        )
    return lengths, files


def _statistics(episodes: Sequence[_Staged], spec: EpisodeSpec) -> dict[str, Any]:
    """Return the statistics of the training episodes, or of all if there are none."""
    train = [e for e in episodes if e.metadata[fields.SPLIT] == fields.SPLIT_TRAIN]
    payloads = (episode.record.payload for episode in train or episodes)
    return statistics.of_episodes(payloads, spec)


def _write_shard(path: pathlib.Path, episodes: Sequence[_Staged]) -> FileChecksum:
    with open(path, "wb", buffering=1 << 20) as file:
        file.writelines(episode.frame for episode in episodes)
    sync(path)
    return checksums.checksum_of(episode.frame for episode in episodes)


def _write_tfds_files(
    folder: pathlib.Path,
    name: str,
    version: str,
    spec: EpisodeSpec,
    lengths: Mapping[str, tuple[list[int], int]],
    release_notes: Mapping[str, str],
    license_text: str,
) -> None:
    """Write features.json, dataset_info.json and LICENSE as TFDS does."""
    # TFDS keeps the folder's path in memory only, so the rename does not matter.
    identity = tfds.core.dataset_info.DatasetIdentity(
        name=name,
        version=tfds.core.Version(version),
        data_dir=os.fspath(folder),
        module_name="",
        release_notes=dict(release_notes),
    )
    info = tfds.core.DatasetInfo(
        builder=identity,
        description=card.description(name),
        features=schema.features(spec),
        citation=card.citation(name),
        license=license_text,
        disable_shuffling=True,
    )
    info.set_file_format(tfds.core.FileFormat.TFRECORD)
    template = tfds.core.ShardedFileTemplate(
        data_dir=folder, dataset_name=name, filetype_suffix="tfrecord"
    )
    splits = [
        tfds.core.SplitInfo(
            name=split,
            shard_lengths=shard_lengths,
            num_bytes=num_bytes,
            filename_template=template.replace(split=split),
        )
        for split, (shard_lengths, num_bytes) in lengths.items()
    ]
    info.set_splits(tfds.core.splits.SplitDict(splits))
    info.write_to_directory(folder)
    # Protobuf's maps come in no particular order, and these bytes are hashed.
    for file in (fields.FEATURES_FILE, fields.INFO_FILE):
        tree = json.loads((folder / file).read_text(encoding="utf-8"))
        # TFRecord is the default. Saying so makes TFDS 4.9.9 ask protobuf for an
        # attribute that protobuf 7 no longer has, so the dataset could not be read.
        tree.pop("fileFormat", None)
        (folder / file).write_text(_json_text(tree), encoding="utf-8")


def _json_text(tree: Any) -> str:
    return json.dumps(tree, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
