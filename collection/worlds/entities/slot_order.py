"""Slot order of estimated states: entities of each kind from left to right.

Stored states shuffle entities over slots. States estimated from images have no such
slots: they count entities from the left in the first image of the episode.
"""

import dataclasses

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.contract.layout import Layout
from wtl.datasets.reading.store import EpisodeStore

_SLOT_FIELDS = (fields.HIDDEN_TARGET, fields.HIDDEN_ACHIEVED)


def by_place(store: EpisodeStore, layout: Layout) -> EpisodeStore:
    """Return a store with the entities of each kind in slots from left to right.

    Args:
      store: states in any order of slots; left as it is.
      layout: their layout.
    """
    _, places = layout.identities_and_places(store.state[:, 0])
    size = layout.size
    state = store.state.copy()
    views, given = layout.split(state), layout.split(store.state)
    rows = np.arange(len(store))[:, None]
    for kind, name in enumerate(layout.kinds):
        order = places[:, kind * size : (kind + 1) * size].argsort(axis=1)
        moved = given[name].transpose(0, 2, 1, 3)[rows, order]
        views[name][...] = moved.transpose(0, 2, 1, 3)
    slots = places + size * (np.arange(layout.entities) // size)
    metadata = dict(store.metadata)
    for name in _SLOT_FIELDS:
        slot = metadata[name]
        metadata[name] = np.where(
            slot >= 0, slots[rows[:, 0], np.maximum(slot, 0)], slot
        ).astype(slot.dtype)
    return dataclasses.replace(store, state=state, metadata=metadata)
