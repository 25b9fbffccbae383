"""New dataset versions of chosen episodes: filter, sample, merge and split.

Episodes keep their ids and their parents' ids, also where a parent is left out:
`verify` then names the parent that is in no dataset beside.

Besides what is stated, functions raise StagingError, PublishError or DatasetLockedError
if the version cannot be written.
"""

import collections
import dataclasses
from collections.abc import Mapping, Sequence

from wtl.datasets.contract import fields, seeding, splits
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.names import did_you_mean
from wtl.datasets.curation.curation import Curated, Curation
from wtl.datasets.curation.metadata_filter import Condition


def filter_episodes(curation: Curation, conditions: Sequence[Condition]) -> Curated:
    """Publish the episodes for which every condition holds.

    Raises:
      UserError: if no episode is left.
    """
    kept = {
        name
        for name, metadata in curation.metadata.items()
        if all(condition.holds(metadata) for condition in conditions)
    }
    if not kept:
        hints = (
            did_you_mean(value, known)
            for condition in conditions
            for known in [curation.values(condition.field)]
            for value in condition.values
            if isinstance(value, str) and value not in known
        )
        raise UserError(
            f"no episode of {curation.source} fulfils every condition; nothing is "
            "published" + next(filter(None, hints), "")
        )
    asked = [dataclasses.asdict(condition) for condition in conditions]
    return curation.publish("dataset filter", kept, {"conditions": asked})


def sample_episodes(curation: Curation, per_task: int, seed: int) -> Curated:
    """Publish `per_task` random episodes of every task, or all where there are fewer.

    The draw of a task depends on the seed and its own episodes only.

    Raises:
      UserError: if `per_task` is less than 1.
    """
    if per_task < 1:
        raise UserError(f"{per_task} episodes per task are too few; give 1 or more")
    of_task = collections.defaultdict(list)
    for name in sorted(curation.metadata):
        of_task[curation.metadata[name][fields.TASK_ID]].append(name)
    kept = set()
    for task_id, names in of_task.items():
        order = seeding.generator(seed, task_id, "sample").permutation(len(names))
        kept.update(names[index] for index in order[:per_task])
    return curation.publish(
        "dataset sample", kept, {"per_task": per_task, "seed": seed}
    )


def merge_datasets(curation: Curation) -> Curated:
    """Publish the episodes of several datasets as one; the same episode once.

    Raises:
      UserError: if an object set is in more than one split.
    """
    return curation.publish("dataset merge", set(curation.metadata), {})


def split_by_fractions(
    curation: Curation, fractions: Mapping[str, float], seed: int
) -> Curated:
    """Publish a dataset with a share of its object sets, drawn by seed, in each split.

    The assignment depends on the names of the object sets and the seed alone: datasets
    of the same object sets, such as demonstrations and their trials, are split alike.

    Raises:
      UserError: if the fractions are not positive or do not add up to 1, or a split
        gets no object set.
    """
    splits.require(fractions)
    if min(fractions.values()) <= 0 or abs(sum(fractions.values()) - 1) > 1e-6:
        raise UserError("fractions of splits must be positive and add up to 1")
    names = sorted(
        curation.values(fields.OBJECT_SET),
        key=lambda name: seeding.derive_seed(seed, name),
    )
    assigned, start, share = {}, 0, 0.0
    for split in filter(fractions.get, fields.SPLITS):
        share += fractions[split]
        end = round(share * len(names))
        if end == start:
            raise UserError(
                f"{fractions[split]:g} of {len(names)} object sets leave none for "
                f"{split}"
            )
        assigned.update(dict.fromkeys(names[start:end], split))
        start = end
    return _split(curation, assigned, {"fractions": dict(fractions), "seed": seed})


def split_by_assignment(curation: Curation, assigned: Mapping[str, str]) -> Curated:
    """Publish a dataset with the named object sets, and no others, in other splits.

    Raises:
      UserError: if there is no such object set or split.
    """
    splits.require(assigned.values())
    known = curation.values(fields.OBJECT_SET)
    unknown = sorted(assigned.keys() - known)
    if unknown:
        raise UserError(
            f"{curation.source} has no object set {unknown[0]!r}; nothing is published"
            + did_you_mean(unknown[0], known)
        )
    return _split(curation, assigned, {"assigned": dict(assigned)})


def _split(curation: Curation, assigned: Mapping[str, str], how: Mapping) -> Curated:
    changed = {}
    for name, metadata in curation.metadata.items():
        was = metadata[fields.SPLIT]
        split = assigned.get(metadata[fields.OBJECT_SET], was)
        if split != was:
            changed[name] = {fields.SPLIT: split}
    return curation.publish("dataset split", set(curation.metadata), how, changed)
