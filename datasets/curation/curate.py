"""Commands that make new dataset versions: filter, sample, merge and split.

Episodes are moved as they are encoded and keep their ids and their parents' ids, also
where a parent is left out; `verify` then names the parent that is in no dataset given.
"""

import collections
import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.errors import UserError
from wtl.datasets.curation.curation import Curated, Curation
from wtl.datasets.curation.metadata_filter import Condition


def filter_episodes(
    source: str | os.PathLike,
    root: str | os.PathLike,
    conditions: Sequence[Condition],
    origin: Mapping[str, Any] | None = None,
) -> Curated:
    """Publish the episodes for which every condition holds.

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
    task = Curation([source], root, origin)
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
    return task.publish("dataset filter", kept, {"conditions": asked})


def sample_episodes(
    source: str | os.PathLike,
    root: str | os.PathLike,
    per_task: int,
    seed: int,
    origin: Mapping[str, Any] | None = None,
) -> Curated:
    """Publish a sample of the episodes of every task, without replacement.

    The draw of a task depends on its own episodes only.

    Args:
      source: as for `filter_episodes`.
      root: likewise.
      per_task: episodes of each task; all of them where there are fewer.
      seed: of the draw.
      origin: as for `filter_episodes`.

    Raises:
      UserError: if `per_task` is less than 1.
      Others: as `filter_episodes`.
    """
    if per_task < 1:
        raise UserError(f"{per_task} episodes per task are too few; give 1 or more")
    task = Curation([source], root, origin)
    of_task = collections.defaultdict(list)
    for name in sorted(task.metadata):
        of_task[task.metadata[name][fields.TASK_ID]].append(name)
    kept = set()
    for task_id, names in of_task.items():
        order = seeding.generator(seed, task_id, "sample").permutation(len(names))
        kept.update(names[index] for index in order[:per_task])
    return task.publish("dataset sample", kept, {"per_task": per_task, "seed": seed})


def merge_datasets(
    sources: Sequence[str | os.PathLike],
    root: str | os.PathLike,
    origin: Mapping[str, Any] | None = None,
) -> Curated:
    """Publish the episodes of several datasets as one; the same episode once.

    Args:
      sources: published datasets of one name.
      root: as for `filter_episodes`.
      origin: likewise.

    Raises:
      UserError: if the sources differ in name, spec or licence, if an id names
        different episodes, or if an object set is in more than one split.
      Others: as `filter_episodes`.
    """
    task = Curation(sources, root, origin)
    return task.publish("dataset merge", set(task.metadata), {})


def split_by_fractions(
    source: str | os.PathLike,
    root: str | os.PathLike,
    fractions: Mapping[str, float],
    seed: int,
    origin: Mapping[str, Any] | None = None,
) -> Curated:
    """Publish a dataset with its object sets assigned to splits at random.

    The assignment depends on the names of the object sets and the seed alone: datasets
    of the same object sets, such as demonstrations and their trials, are split alike.

    Args:
      source: as for `filter_episodes`.
      root: likewise.
      fractions: share of the object sets by split; they add up to 1.
      seed: of the assignment.
      origin: as for `filter_episodes`.

    Raises:
      UserError: if the fractions are invalid, or a split gets no object set.
      Others: as `filter_episodes`.
    """
    unknown = sorted(set(fractions) - set(fields.SPLITS))
    if unknown:
        raise UserError(f"split {unknown[0]!r} is none of {', '.join(fields.SPLITS)}")
    if min(fractions.values()) <= 0 or abs(sum(fractions.values()) - 1) > 1e-6:
        raise UserError("fractions of splits must be positive and add up to 1")
    task = Curation([source], root, origin)
    names = sorted(_object_sets(task), key=lambda name: seeding.derive_seed(seed, name))
    assigned, start, share = {}, 0, 0.0
    for name in fields.SPLITS:
        if name not in fractions:
            continue
        share += fractions[name]
        end = round(share * len(names))
        if end == start:
            raise UserError(
                f"{fractions[name]:g} of {len(names)} object sets leave none for {name}"
            )
        assigned.update(dict.fromkeys(names[start:end], name))
        start = end
    return task.publish(
        "dataset split",
        set(task.metadata),
        {"fractions": dict(fractions), "seed": seed},
        _new_splits(task, assigned),
    )


def split_by_assignment(
    source: str | os.PathLike,
    root: str | os.PathLike,
    assigned: Mapping[str, str],
    origin: Mapping[str, Any] | None = None,
) -> Curated:
    """Publish a dataset with the named object sets in other splits.

    Args:
      source: as for `filter_episodes`.
      root: likewise.
      assigned: split by object set; others stay where they are.
      origin: as for `filter_episodes`.

    Raises:
      UserError: if there is no such object set or split.
      Others: as `filter_episodes`.
    """
    task = Curation([source], root, origin)
    for name, to in assigned.items():
        if to not in fields.SPLITS:
            raise UserError(f"split {to!r} is none of {', '.join(fields.SPLITS)}")
        if name not in _object_sets(task):
            raise UserError(
                f"{source} has no object set {name!r}; nothing is published"
            )
    return task.publish(
        "dataset split",
        set(task.metadata),
        {"assigned": dict(assigned)},
        _new_splits(task, assigned),
    )


def _new_splits(
    task: Curation, assigned: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """Return the changed metadata of episodes whose object sets change their split."""
    return {
        name: {fields.SPLIT: assigned[metadata[fields.OBJECT_SET]]}
        for name, metadata in task.metadata.items()
        if assigned.get(metadata[fields.OBJECT_SET], metadata[fields.SPLIT])
        != metadata[fields.SPLIT]
    }


def _object_sets(task: Curation) -> set[str]:
    return {metadata[fields.OBJECT_SET] for metadata in task.metadata.values()}
