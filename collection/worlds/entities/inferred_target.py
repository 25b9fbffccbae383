"""Inferred target of an episode: the entity it acted on, read from its states.

It is the entity with the highest of `Layout.acted_scores`. No simulator is needed, so
teleoperated and imported demonstrations are labelled in the same way as scripted ones.
"""

import numpy as np

from wtl.datasets.contract.layout import Layout


def acted_slots(states: np.ndarray, layout: Layout) -> np.ndarray:
    """Return int32[N] observation slots, -1 where nothing was acted on.

    Args:
      states: [N, T, S] states; padding that repeats the last one does no harm.
      layout: their layout.
    """
    score = layout.acted_scores(states)
    slots = score.argmax(axis=1).astype(np.int32)
    return np.where(score.max(axis=1) > 1, slots, -1).astype(np.int32)
