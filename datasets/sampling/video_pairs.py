"""Pairing of demonstrations with videos of a person in the same scene."""

import dataclasses

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.reading.store import EpisodeStore

_SAME = (fields.TASK_ID, fields.SCENE_SEED, fields.HIDDEN_TARGET)


def paired_rows(demos: EpisodeStore, videos: EpisodeStore) -> np.ndarray:
    """Return rows [N] of the videos that match N demonstrations, or -1.

    A pair has the same task, scene and target; actions and states are not compared.
    """
    row_of = {key: row for row, key in enumerate(_keys(videos))}
    return np.array([row_of.get(key, -1) for key in _keys(demos)], np.int64)


def as_video(store: EpisodeStore, action_size: int) -> EpisodeStore:
    """Return a store without known actions: they are zeros."""
    action = np.zeros((*store.state.shape[:2], action_size), np.float32)
    return dataclasses.replace(store, action=action)


def _keys(store: EpisodeStore) -> list[tuple]:
    return list(zip(*(store[name].tolist() for name in _SAME), strict=True))
