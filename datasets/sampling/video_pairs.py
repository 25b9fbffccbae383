"""Pairs demonstrations with videos of somebody else who does the same."""

import dataclasses

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.reading.store import EpisodeStore

_SAME = (fields.TASK_ID, fields.SCENE_SEED, fields.HIDDEN_TARGET)


def paired_rows(demos: EpisodeStore, videos: EpisodeStore) -> np.ndarray:
    """Rows [N] of the videos that show what N demonstrations do, or -1.

    A pair is of the same task, in the same scene, with the same thing acted on. That is
    all that is known of a video: neither actions nor states are looked at.
    """
    row_of = {key: row for row, key in enumerate(_keys(videos))}
    return np.array([row_of.get(key, -1) for key in _keys(demos)], np.int64)


def as_video(store: EpisodeStore, action_size: int) -> EpisodeStore:
    """A store as nobody's actions were known: they are zeros."""
    action = np.zeros((*store.state.shape[:2], action_size), np.float32)
    return dataclasses.replace(store, action=action)


def _keys(store: EpisodeStore) -> list[tuple]:
    return list(zip(*(store[name].tolist() for name in _SAME), strict=True))
