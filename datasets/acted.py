"""Reads off an episode which entity it acted on; no simulator is asked.

It is the object that was displaced, or the button that went down, the furthest. So
teleoperated and imported demonstrations are labelled in the same way as scripted ones.
"""

import numpy as np

from wtl.envs import observation

_DISPLACED = 0.01  # metres; less counts as untouched
_PRESSED = 0.006  # metres beyond what the weight of the cap does


def acted_slots(states: np.ndarray, layout: observation.Layout) -> np.ndarray:
    """Returns int32[N] observation slots, -1 where nothing was acted on.

    Args:
      states: [N, T, S] states; padding that repeats the last one does no harm.
      layout: their layout.
    """
    rows = layout.split(states)
    position = rows["objects"][..., observation.slices(observation.OBJECT)["position"]]
    travel = rows["buttons"][..., observation.slices(observation.BUTTON)["travel"]]
    displaced = np.linalg.norm(position - position[:, :1], axis=-1).max(axis=1)
    pressed = travel[..., 0].max(axis=1)
    score = np.concatenate([displaced / _DISPLACED, pressed / _PRESSED], axis=1)
    slots = score.argmax(axis=1).astype(np.int32)
    return np.where(score.max(axis=1) > 1, slots, -1).astype(np.int32)
