"""New versions of datasets out of the episodes of others: fewer, more, split anew.

Episodes are moved as they are encoded and keep their ids and their parents' ids, also
where a parent is left out; `verify` then names the parent that is in no dataset given.
"""

import collections
import dataclasses
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from datasets import (
    card,
    checksums,
    encoding,
    fields,
    location,
    new_version,
    reader,
    schema,
)
from datasets.condition import Condition
from datasets.decoding import DecodeError, decode_metadata, split
from datasets.episode import EpisodeSpec
from datasets.location import DatasetDamagedError
from datasets.metadata import METADATA
from wtl.envs import seeding
from wtl.errors import UserError

_BATCH_BYTES = 32 << 20  # staged with one sync


@dataclasses.dataclass(frozen=True)
class Curated:
    """A version that was made.

    Attributes:
      path: its folder.
      kept: how many episodes it holds.
      seen: how many its sources hold.
    """

    path: pathlib.Path
    kept: int
    seen: int


def filter_episodes(
    source: str | os.PathLike,
    root: str | os.PathLike,
    conditions: Sequence[Condition],
    origin: Mapping[str, Any] | None = None,
) -> Curated:
    """Publishes the episodes for which every condition holds.

    Args:
      source: a published dataset.
      root: where the version is published, under the name of the source.
      conditions: what must hold.
      origin: JSON-serialisable addition to the provenance: commit, versions.

    Raises:
      UserError: if no episode is left.
      DatasetNotFoundError, DatasetMismatchError, DatasetDamagedError: if the source
        cannot be used.
      StagingError, PublishError, DatasetLockedError: if the version cannot be written.
    """
    task = _Task([source], root, origin)
    kept = {
        name
        for name, metadata in task.metadata.items()
        if all(condition.holds(metadata) for condition in conditions)
    }
    if not kept:
        raise UserError(
            f"no episode of {source} fulfils every condition; nothing is published"
        )
    asked = [dataclasses.asdict(condition) for condition in conditions]
    return task.publish("filter", kept, {"conditions": asked})


def sample_episodes(
    source: str | os.PathLike,
    root: str | os.PathLike,
    per_task: int,
    seed: int,
    origin: Mapping[str, Any] | None = None,
) -> Curated:
    """Publishes as many episodes of every task, drawn without replacement.

    What is drawn of a task depends on its own episodes only, not on those of others.

    Args:
      source: as for `filter_episodes`.
      root: likewise.
      per_task: how many; of a task with fewer, all of them.
      seed: of the draw.
      origin: as for `filter_episodes`.

    Raises:
      UserError: if `per_task` is less than 1.
      Others: as `filter_episodes`.
    """
    if per_task < 1:
        raise UserError(f"{per_task} episodes per task are none; give 1 or more")
    task = _Task([source], root, origin)
    of_task = collections.defaultdict(list)
    for name in sorted(task.metadata):
        of_task[task.metadata[name][fields.TASK_ID]].append(name)
    kept = set()
    for task_id, names in of_task.items():
        order = seeding.generator(seed, task_id, "sample").permutation(len(names))
        kept.update(names[index] for index in order[:per_task])
    return task.publish("sample", kept, {"per_task": per_task, "seed": seed})


def merge_datasets(
    sources: Sequence[str | os.PathLike],
    root: str | os.PathLike,
    origin: Mapping[str, Any] | None = None,
) -> Curated:
    """Publishes the episodes of several datasets as one; the same episode once.

    Args:
      sources: published datasets of one name.
      root: as for `filter_episodes`.
      origin: likewise.

    Raises:
      UserError: if the sources differ in name, spec or licence, if an id names
        different episodes, or if an object set is in more than one split.
      Others: as `filter_episodes`.
    """
    task = _Task(sources, root, origin)
    return task.publish("merge", set(task.metadata), {})


def split_by_fractions(
    source: str | os.PathLike,
    root: str | os.PathLike,
    fractions: Mapping[str, float],
    seed: int,
    origin: Mapping[str, Any] | None = None,
) -> Curated:
    """Publishes a dataset with its object sets dealt out to splits anew.

    The deal depends on the names of the object sets and the seed alone: datasets of the
    same object sets, as demonstrations and the trials made from them, are split alike.

    Args:
      source: as for `filter_episodes`.
      root: likewise.
      fractions: share of the object sets by split; they add up to 1.
      seed: of the deal.
      origin: as for `filter_episodes`.

    Raises:
      UserError: if the fractions are none, or a split gets no object set.
      Others: as `filter_episodes`.
    """
    unknown = sorted(set(fractions) - set(fields.SPLITS))
    if unknown:
        raise UserError(f"split {unknown[0]!r} is none of {', '.join(fields.SPLITS)}")
    if min(fractions.values()) <= 0 or abs(sum(fractions.values()) - 1) > 1e-6:
        raise UserError("fractions of splits are above 0 and add up to 1")
    task = _Task([source], root, origin)
    names = sorted(task.object_sets, key=lambda name: seeding.derive_seed(seed, name))
    assigned, start, share = {}, 0, 0.0
    for name in fields.SPLITS:
        if name not in fractions:
            continue
        share += fractions[name]
        end = round(share * len(names))
        if end == start:
            raise UserError(
                f"{fractions[name]:g} of {len(names)} object sets are none for {name}"
            )
        assigned.update(dict.fromkeys(names[start:end], name))
        start = end
    return task.publish(
        "split",
        set(task.metadata),
        {"fractions": dict(fractions), "seed": seed},
        assigned,
    )


def split_by_assignment(
    source: str | os.PathLike,
    root: str | os.PathLike,
    assigned: Mapping[str, str],
    origin: Mapping[str, Any] | None = None,
) -> Curated:
    """Publishes a dataset with the named object sets in other splits.

    Args:
      source: as for `filter_episodes`.
      root: likewise.
      assigned: split by object set; others stay where they are.
      origin: as for `filter_episodes`.

    Raises:
      UserError: if there is no such object set or split.
      Others: as `filter_episodes`.
    """
    task = _Task([source], root, origin)
    for name, to in assigned.items():
        if to not in fields.SPLITS:
            raise UserError(f"split {to!r} is none of {', '.join(fields.SPLITS)}")
        if name not in task.object_sets:
            raise UserError(
                f"{source} has no object set {name!r}; nothing is published"
            )
    return task.publish(
        "split", set(task.metadata), {"assigned": dict(assigned)}, assigned
    )


class _Task:
    """What the four have in common: sources, and a version made of them."""

    def __init__(
        self,
        sources: Sequence[str | os.PathLike],
        root: str | os.PathLike,
        origin: Mapping[str, Any] | None,
    ):
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
        self._seen = 0
        self._index()

    @property
    def object_sets(self) -> set[str]:
        """Names of the object sets that there are."""
        return {metadata[fields.OBJECT_SET] for metadata in self.metadata.values()}

    def publish(
        self,
        what: str,
        kept: set[str],
        how: Mapping[str, Any],
        assigned: Mapping[str, str] | None = None,
    ) -> Curated:
        """Publishes some of the episodes.

        Args:
          what: name of the operation.
          kept: ids of the episodes.
          how: its arguments, for the provenance.
          assigned: splits of object sets that are to change.
        """
        assigned = assigned or {}
        self._require_disjoint(kept, assigned)
        parents = ", ".join(parent["dataset"] for parent in self._parents)
        with new_version.new_version(self._root, self._name, self._spec) as version:
            for batch in _batches(self._payloads(kept, assigned)):
                version.writer.append_encoded(batch)
            path = version.publish(
                f"`wtl dataset {what}` of {parents}.",
                {
                    **self._origin,
                    "command": f"dataset {what}",
                    "parents": self._parents,
                    **how,
                },
                self._license,
            )
        return Curated(path, len(kept), self._seen)

    def _payloads(
        self, kept: set[str], assigned: Mapping[str, str]
    ) -> Iterator[bytes | memoryview]:
        done = set()
        for source in self._sources:
            for payload in reader.iterate_encoded(source):
                name = decode_metadata(payload, [fields.EPISODE_ID])[fields.EPISODE_ID]
                if name not in kept or name in done:
                    continue
                done.add(name)
                metadata = self.metadata[name]
                to = assigned.get(metadata[fields.OBJECT_SET], metadata[fields.SPLIT])
                yield _moved(payload, to) if to != metadata[fields.SPLIT] else payload

    def _index(self) -> None:
        """Reads the metadata, and finds ids that name different episodes."""
        payloads: dict[str, memoryview] = {}
        for source in self._sources:
            for payload in reader.iterate_encoded(source):
                self._seen += 1
                try:
                    metadata = decode_metadata(payload, METADATA)
                except DecodeError as error:
                    raise DatasetDamagedError(
                        f"{source} cannot be read ({error}); `wtl verify {source}` "
                        "says what is wrong"
                    ) from None
                name = metadata[fields.EPISODE_ID]
                if payloads.setdefault(name, payload) != payload:
                    raise UserError(
                        f"{source}: another episode has the id {name} too; ids must "
                        "name one episode, so nothing is published"
                    )
                self.metadata[name] = metadata

    def _require_disjoint(self, kept: set[str], assigned: Mapping[str, str]) -> None:
        splits_of = collections.defaultdict(set)
        for name in kept:
            object_set = self.metadata[name][fields.OBJECT_SET]
            splits_of[object_set].add(
                assigned.get(object_set, self.metadata[name][fields.SPLIT])
            )
        for object_set, found in sorted(splits_of.items()):
            if len(found) > 1:
                splits = " and ".join(sorted(found))
                raise UserError(
                    f"object set {object_set!r} would be in {splits}, but what is held "
                    "out must be new; use `wtl dataset split` first"
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
            for field in dataclasses.fields(EpisodeSpec):
                first, found = getattr(specs[0], field.name), getattr(spec, field.name)
                if first != found:
                    raise UserError(
                        f"{source} has {field.name} {found}, but {self._sources[0]} "
                        f"has {first}: they cannot be one dataset"
                    )
        return specs[0]


def _moved(payload: memoryview, to: str) -> bytes:
    """The same episode in another split."""
    features = split(payload)
    return encoding.join({**features, fields.SPLIT: encoding.text_feature(to)})


def _batches(
    payloads: Iterable[bytes | memoryview],
) -> Iterator[list[bytes | memoryview]]:
    batch, size = [], 0
    for payload in payloads:
        batch.append(payload)
        size += len(payload)
        if size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
