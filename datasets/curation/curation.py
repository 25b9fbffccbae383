"""A new dataset version made of episodes of existing versions.

Episodes are moved as they are encoded and keep their ids and their parents' ids.
"""

import collections
import dataclasses
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.metadata import METADATA, Kind, present
from wtl.datasets.format import encoding, schema
from wtl.datasets.format.decoding import DecodeError, decode_metadata, split, step_array
from wtl.datasets.reading import reader
from wtl.datasets.storage import card, checksums, location, new_version
from wtl.datasets.storage.location import DatasetDamagedError


@dataclasses.dataclass(frozen=True)
class Curated:
    """A new version.

    Attributes:
      path: its folder.
      kept: number of its episodes.
      seen: number of episodes in its sources.
    """

    path: pathlib.Path
    kept: int
    seen: int


class Curation:
    """Source datasets and the version made of them.

    Attributes:
      source: the first source, as given.
      metadata: of the sources' episodes, by id.
    """

    def __init__(
        self,
        sources: Sequence[str | os.PathLike],
        root: str | os.PathLike,
        origin: Mapping[str, Any] | None = None,
    ):
        """Read the sources' metadata.

        Args:
          sources: published datasets of one name, with episodes of one form.
          root: where the version is published, under this name.
          origin: JSON-serialisable addition to the provenance: commit, versions.

        Raises:
          UserError: if the sources differ in name, spec or licence, or an id names
            different episodes.
          DatasetNotFoundError, DatasetMismatchError, DatasetDamagedError: if a source
            cannot be used.
        """
        self.source = sources[0]
        self._sources = [location.resolve(source) for source in sources]
        self._root = root
        self._origin = origin or {}
        infos = [location.read_info(source) for source in self._sources]
        self._name = self._same("names", [info["name"] for info in infos])
        self._spec = self._same_spec()
        self._license = self._same(
            "licences", list(map(card.stored_license, self._sources))
        )
        self._parents = [
            {
                "dataset": f"{info['name']}/{info['version']}",
                "fingerprint": checksums.fingerprint(source),
            }
            for info, source in zip(infos, self._sources, strict=True)
        ]
        self.metadata: dict[str, dict[str, Any]] = {}
        # The bytes of the episodes stay in the files.
        self._payloads: dict[str, memoryview] = {}
        self._seen = 0
        for source in self._sources:
            self._index(source)

    def values(self, field: str) -> set[Any]:
        """Return the values of a metadata field in the sources."""
        found = [metadata[field] for metadata in self.metadata.values()]
        if METADATA[field].kind is Kind.TEXTS:
            return {item for items in found for item in items}
        return set(found)

    def publish(
        self,
        command: str,
        kept: set[str],
        how: Mapping[str, Any],
        changed: Mapping[str, Mapping[str, Any]] | None = None,
        done: str = "",
    ) -> Curated:
        """Publish some of the episodes.

        Args:
          command: the command, such as `dataset filter`.
          kept: ids of the episodes.
          how: its arguments, for the provenance.
          changed: metadata that differ from the sources', by id. With its success the
            reward of an episode's last transition changes too.
          done: summary of the changes for the release notes.

        Raises:
          UserError: if an object set would be in more than one split.
          StagingError, PublishError, DatasetLockedError: if it cannot be written.
        """
        changed = changed or {}
        self._require_disjoint(kept, changed)
        parents = ", ".join(parent["dataset"] for parent in self._parents)
        with new_version.new_version(self._root, self._name, self._spec) as version:
            version.add(
                _altered(payload, changed[name]) if name in changed else payload
                for name, payload in self._payloads.items()
                if name in kept
            )
            path = version.publish(
                f"`wtl {command}` of {parents}{done and ': ' + done}.",
                {
                    **self._origin,
                    **_world(self._sources),
                    "command": command,
                    "parents": self._parents,
                    **how,
                },
                self._license,
            )
        return Curated(path, len(kept), self._seen)

    def _index(self, source: pathlib.Path) -> None:
        """Read metadata, and find ids that name different episodes."""
        names = present(self._spec.optional_metadata)
        for record in reader.iterate_records(source, check=True):
            self._seen += 1
            try:
                metadata = decode_metadata(record.payload, names)
            except DecodeError as error:
                raise DatasetDamagedError(
                    f"{source} cannot be read ({error}); `wtl verify {source}` "
                    "lists the faults"
                ) from None
            name = metadata[fields.EPISODE_ID]
            if self._payloads.setdefault(name, record.payload) != record.payload:
                raise UserError(
                    f"{source}: another episode has the id {name} too; ids must "
                    "name one episode, so nothing is published"
                )
            self.metadata[name] = metadata

    def _require_disjoint(
        self, kept: set[str], changed: Mapping[str, Mapping[str, Any]]
    ) -> None:
        splits_of = collections.defaultdict(set)
        for name in kept:
            metadata = {**self.metadata[name], **changed.get(name, {})}
            splits_of[metadata[fields.OBJECT_SET]].add(metadata[fields.SPLIT])
        for object_set, found in sorted(splits_of.items()):
            if len(found) > 1:
                splits = " and ".join(sorted(found))
                raise UserError(
                    f"object set {object_set!r} would be in {splits}, but held-out "
                    "objects must be new; use `wtl dataset split` first"
                )

    def _same(self, what: str, values: Sequence[str]) -> str:
        for source, value in zip(self._sources, values, strict=True):
            if value != values[0]:
                raise UserError(
                    f"{self._sources[0]} and {source} have different {what}: they "
                    "cannot be one dataset"
                )
        return values[0]

    def _same_spec(self) -> EpisodeSpec:
        specs = [schema.stored_spec(source) for source in self._sources]
        for source, spec in zip(self._sources, specs, strict=True):
            if different := specs[0].difference(spec):
                name, first, found = different
                raise UserError(
                    f"{source} has {name} {found}, but {self._sources[0]} has {first}: "
                    "they cannot be one dataset"
                )
        return specs[0]


def _altered(payload: memoryview, changed: Mapping[str, Any]) -> bytes:
    """Return the serialised episode with other metadata."""
    features = split(payload)
    for name, value in changed.items():
        features[name] = encoding.metadata_feature(name, value)
    reward = fields.step_key(fields.REWARD)
    if fields.SUCCESS in changed and reward in features:
        rewards = step_array(features, fields.REWARD, (), np.dtype("<f4")).copy()
        success = bool(changed[fields.SUCCESS])
        # The two must agree; a reward that does already keeps its size.
        if (rewards[-2] > 0) != success:
            rewards[-2] = success
        features[reward] = encoding.step_feature(rewards)
    return encoding.join(features)


def _world(sources: Sequence[pathlib.Path]) -> dict[str, str]:
    """Return the world that the sources are of, where all of them name the same."""
    named = set()
    for source in sources:
        named.add(location.read_provenance(source).get(fields.PROVENANCE_WORLD))
    is_known = len(named) == 1 and None not in named
    return {fields.PROVENANCE_WORLD: named.pop()} if is_known else {}
