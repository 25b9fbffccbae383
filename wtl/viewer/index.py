"""Index of the episodes of a version, made without decoding their steps."""

import collections
import dataclasses
import functools
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wtl.collection.worlds import recognition
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.datasets.contract.layout import Layout
from wtl.datasets.curation import quality
from wtl.datasets.curation.edits import DELETED, PendingEdits
from wtl.datasets.format import decoding, schema, tfrecord
from wtl.datasets.format.decoding import DecodeError
from wtl.datasets.reading import reader
from wtl.datasets.storage import location
from wtl.datasets.storage.location import DatasetDamagedError


@dataclasses.dataclass(slots=True)
class Row:
    """One episode in the index.

    Attributes:
      dataset: name of its dataset.
      metadata: its metadata as stored.
      quality: its measures.
      frame: its whole record, a view into the file.
      words: the task in words; empty if they are unknown.
      alike: ids of episodes with the same observations and actions, this one among
        them; empty if there are no others.
      actor: the demonstrator, or the method or id of a policy.
      trials: its parents that are trials, as far as they are known.
      is_orphan: whether a parent is missing.
      edit: its pending edit.
    """

    dataset: str
    metadata: Mapping[str, Any]
    quality: quality.Quality
    frame: memoryview
    words: str = ""
    alike: Sequence[str] = ()
    actor: str = ""
    trials: Sequence["Row"] = ()
    is_orphan: bool = False
    edit: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def id(self) -> str:
        """Id of the episode."""
        return self.metadata[fields.EPISODE_ID]

    def __getitem__(self, name: str) -> Any:
        """Return a metadata field as it will be once the edits are published."""
        return self.edit[name] if name in self.edit else self.metadata[name]

    @property
    def parents(self) -> tuple[str, ...]:
        """Ids of its parents, demonstrations first."""
        return (
            *self.metadata[fields.PARENT_DEMO_IDS],
            *self.metadata[fields.PARENT_TRIAL_IDS],
        )

    @property
    def twins(self) -> Iterator[str]:
        """Ids of the other episodes with the same observations and actions."""
        return (name for name in self.alike if name != self.id)

    @property
    def given_trial(self) -> str:
        """Outcome of the trials that it was given: `succeeded` if one did, `failed`."""
        succeeded = [bool(trial[fields.SUCCESS]) for trial in self.trials]
        return "succeeded" if any(succeeded) else "failed" if succeeded else ""

    @property
    def flags(self) -> tuple[str, ...]:
        """Flags for a closer look, in a word each."""
        found = {
            "duplicate": bool(self.alike),
            "orphan": self.is_orphan,
            "invalid": bool(self[fields.INVALID]),
            "note": bool(self[fields.NOTES]),
            "edited": bool(self.edit),
            "deleted": DELETED in self.edit,
        }
        further = (name for name, is_so in found.items() if is_so)
        return (*self.quality.flags, *further)


class Index:
    """The episodes of one version, with their edits.

    Attributes:
      version: folder of the version.
      name: of the dataset.
      number: of the version.
      spec: of its episodes.
      world: its world; None if that is unknown.
      rows: its episodes by id.
      pending: its edits.
    """

    def __init__(self, dataset_dir: str | os.PathLike):
        """Read the metadata of every episode.

        Args:
          dataset_dir: a version, or the folder of a dataset's versions.

        Raises:
          DatasetNotFoundError, DatasetMismatchError, DatasetDamagedError: if it can't
            be read.
          UserError: if the pending edits can't be read.
        """
        self.version: pathlib.Path = location.resolve(dataset_dir)
        info = location.read_info(self.version)
        self.name, self.number = info["name"], info["version"]
        self.spec = schema.stored_spec(self.version)
        self.world = recognition.world_of(self.version, self.spec)
        self.pending = PendingEdits(self.version)
        self.rows: dict[str, Row] = {}
        for number, record in enumerate(reader.iterate_records(self.version)):
            try:
                row = self._row(record)
            except DecodeError as error:
                raise DatasetDamagedError(
                    f"episode {number} of {self.version} cannot be read ({error}); "
                    f"`wtl verify {self.version}` says what is wrong"
                ) from None
            self.rows[row.id] = row
        self._find_twins()
        self.overlay()

    @property
    def label(self) -> str:
        """Name and version."""
        return f"{self.name} {self.number}"

    @functools.cached_property
    def layout(self) -> Layout | None:
        """Layout of the states; None if it is unknown."""
        return self.world and recognition.layout_of(self.world, self.spec)

    @functools.cached_property
    def cameras(self) -> tuple[str, ...]:
        """Cameras from which the physics states can be rendered."""
        renderer = self.world and self.world.renderer
        return renderer.cameras(self.spec) if renderer else ()

    @property
    def axes(self) -> Sequence[str]:
        """Names of the dimensions of the action."""
        known = self.world.spec.axes if self.world else ()
        return known if len(known) == self.spec.action_size else self.spec.axes

    def overlay(self) -> None:
        """Copy the pending edits into the rows."""
        for name, row in self.rows.items():
            row.edit = self.pending.of(name)

    def episode(self, row: Row) -> Episode:
        """Decode an episode.

        Raises:
          DatasetDamagedError: if its bytes have changed.
        """
        try:
            record = next(tfrecord.scan(row.frame), None)
            if record is None or not record.sound:
                raise DecodeError("its checksum does not fit")
            return decoding.decode(record.payload, self.spec)
        except DecodeError as error:
            raise DatasetDamagedError(
                f"episode {row.id} is damaged ({error}); `wtl verify {self.version}` "
                "says what else is"
            ) from None

    def _row(self, record: tfrecord.Record) -> Row:
        features = decoding.split(record.payload)
        metadata = decoding.metadata_values(features, self.spec)
        measured = quality.measure(features, self.spec, metadata[fields.CONTROL_HZ])
        words = self._words(metadata)
        return Row(self.name, metadata, measured, record.frame, words)

    def _words(self, metadata: Mapping[str, Any]) -> str:
        if text := metadata.get(fields.INSTRUCTION):
            return text
        if not (self.world and self.world.entities and self.layout):
            return ""
        family, rule = metadata[fields.FAMILY], metadata.get(fields.HIDDEN_RULE, "")
        return self.world.entities.instruction(family, rule, self.layout.size)

    def _find_twins(self) -> None:
        alike = collections.defaultdict(list)
        for name, row in self.rows.items():
            alike[row.quality.digest].append(name)
        for names in alike.values():
            for name in names[: len(names) * (len(names) > 1)]:
                self.rows[name].alike = names
