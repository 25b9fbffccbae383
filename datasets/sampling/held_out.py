"""Held-out episodes of datasets in which nothing else is held out."""

import hashlib
import os

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.storage import location

_SHARE = 0.1
_LEAST = 3  # episodes of a task of which one can be spared


def held_out(dataset_dir: str | os.PathLike, train: EpisodeStore) -> np.ndarray:
    """Return the mask [N] of training episodes that are kept for evaluation.

    Where a dataset has no validation or test episodes, they are a tenth of the
    episodes of each task, one at least, the same ones for the same ids.

    Args:
      dataset_dir: version folder of the dataset.
      train: its training episodes.
    """
    mask = np.zeros(len(train), bool)
    splits = {split for split, _, length in location.shards(dataset_dir) if length}
    if splits != {fields.SPLIT_TRAIN}:
        return mask
    digest = [_digest(name) for name in train[fields.EPISODE_ID].tolist()]
    tasks = train[fields.TASK_ID]
    for task in np.unique(tasks):
        rows = np.flatnonzero(tasks == task)
        if len(rows) >= _LEAST:
            rows = sorted(rows, key=digest.__getitem__)
            mask[rows[: max(1, round(_SHARE * len(rows)))]] = True
    return mask


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
