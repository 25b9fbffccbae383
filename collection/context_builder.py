"""Builds what a policy is shown from stored episodes."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from wtl.collection.observation_encoder import Sight
from wtl.collection.worlds import registry
from wtl.collection.worlds.entities.task import Task
from wtl.datasets.contract import fields
from wtl.datasets.reading.frames import resample
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.sampling import video_pairs
from wtl.policies import interface
from wtl.policies.contextual import context as contexts


class Conditioner:
    """Turns rows of a store of episodes into `Shown` tensors."""

    def __init__(
        self,
        store: EpisodeStore,
        config: interface.Interface,
        sight: Sight,
        own: bool = True,
    ):
        """Resamples all episodes of a store to the frames of `config`.

        Args:
          store: with images where the policy has eyes.
          config: of the policy.
          sight: of the policy.
          own: whether the episodes are the robot's, not videos of somebody else.
        """
        if not own:
            store = video_pairs.as_video(store, config.action_size)
        self.store = store
        frames = resample(store, config.context_frames)
        self._state = sight.episodes(frames.state, frames.image, own)
        self._action = frames.action

    def shown(self, rows: np.ndarray) -> contexts.Shown:
        """Shows episodes.

        Args:
          rows: [B, K] rows of the store, -1 for none.
        """
        present = rows >= 0
        safe = np.maximum(rows, 0)
        success = np.where(self.store[fields.SUCCESS][safe], 1.0, -1.0)
        return contexts.Shown(
            state=tf.constant(self._state[safe]),
            action=tf.constant(self._action[safe]),
            success=tf.constant(success, tf.float32),
            mask=tf.constant(present, tf.float32),
        )


def nothing_shown(
    count: int, config: interface.Interface, state_size: int
) -> contexts.Shown:
    """Shows `count` policies no episode."""
    frames = config.context_frames
    return contexts.Shown(
        state=tf.zeros((count, 1, frames, state_size)),
        action=tf.zeros((count, 1, frames, config.action_size)),
        success=tf.zeros((count, 1)),
        mask=tf.zeros((count, 1)),
    )


def truth(
    target: np.ndarray, tasks: Sequence[Task]
) -> contexts.Truth | contexts.WholeTruth:
    """Tells the oracle B tasks, and their targets (slots)."""
    names = list(registry.get(tasks[0].domain).families)
    told = contexts.Truth(
        target=tf.constant(target, tf.int32),
        family=tf.constant([names.index(task.family) for task in tasks], tf.int32),
        friction=tf.constant([task.friction for task in tasks], tf.float32),
    )
    hidden = [task.hidden for task in tasks]
    if not hidden[0]:
        return told
    return contexts.WholeTruth(*told, tf.constant(hidden, tf.float32))


def nothing_told(
    count: int, config: interface.Interface
) -> contexts.Truth | contexts.WholeTruth:
    """What takes the place of the truth for all but the oracle."""
    zeros = tf.zeros(count, tf.int32)
    nothing = contexts.Truth(zeros, zeros, tf.zeros(count))
    if not config.hidden_size:
        return nothing
    return contexts.WholeTruth(*nothing, tf.ones((count, config.hidden_size)))
