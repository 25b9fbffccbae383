"""Draws images with the states they show, to train perception."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from datasets.store import EpisodeStore
from policies.perception.loss import Example
from wtl.envs import appearance, observation
from wtl.training import augmentation


class Glimpses(NamedTuple):
    """B episodes at 1 + K timesteps each, the first of them the first.

    Attributes:
      image: uint8[B, 1 + K, H, W, 3].
      state: [B, 1 + K, S] slots in order of place.
      point: [B, 1 + K, Q, 2] image coordinates of objects, buttons, anchor and the
        middle of the goal band.
    """

    image: np.ndarray
    state: np.ndarray
    point: np.ndarray


class GlimpseSource:
    """Draws timesteps of stored episodes, half of them mirrored left to right."""

    def __init__(self, demos: EpisodeStore, layout: observation.Layout, later: int):
        """Keeps the images in memory as they are.

        Args:
          demos: with images; slots in order of place.
          layout: of their states.
          later: K.
        """
        self._demos = demos
        self._layout = layout
        self._later = later
        self._signs = augmentation.mirror_signs(layout)

    def draw(self, rng: np.random.Generator, count: int) -> Glimpses:
        """Draws `count` episodes."""
        demos, layout = self._demos, self._layout
        row = rng.integers(len(demos), size=count)
        share = rng.random((count, self._later))
        time = (share * demos.length[row][:, None]).astype(np.int64)
        time = np.concatenate([np.zeros((count, 1), np.int64), time], axis=1)
        image = demos.image[row[:, None], time]
        state = demos.state[row[:, None], time]
        mirrored = np.flatnonzero(rng.random(count) < 0.5)
        image[mirrored] = image[mirrored][..., ::-1, :]
        turned = state[mirrored] * self._signs
        rows = layout.split(turned)
        for name in ("objects", "buttons"):
            # Mirrored, the leftmost is the rightmost.
            rows[name][...] = rows[name][..., ::-1, :].copy()
        state[mirrored] = turned
        return Glimpses(image, state, self._points(state))

    def gather(self, rows: Glimpses) -> Example:
        """Turns arrays into tensors."""
        state = tf.convert_to_tensor(rows.state)
        felt = tf.concat(
            [state[..., : self._layout.proprioception_size - 1], state[..., -1:]], -1
        )
        return Example(
            tf.convert_to_tensor(rows.image),
            felt,
            state,
            tf.convert_to_tensor(rows.point),
        )

    def _points(self, state: np.ndarray) -> np.ndarray:
        rows = self._layout.split(state)
        fixtures = observation.slices(observation.FIXTURES)
        goal = np.zeros((*state.shape[:-1], 3))
        goal[..., 1:2] = rows["fixtures"][..., fixtures["goal"]]
        positions = np.concatenate(
            [
                rows["objects"][..., :3],
                rows["buttons"][..., :3],
                rows["fixtures"][..., None, fixtures["anchor"]],
                goal[..., None, :],
            ],
            axis=-2,
        )
        return appearance.ROBOT_CAMERA.project(positions).astype(np.float32)
