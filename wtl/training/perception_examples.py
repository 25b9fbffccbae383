"""Draws images with the states they show, to train perception."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.collection.worlds.tabletop import appearance, observation
from wtl.collection.worlds.tabletop.perception.loss import Example
from wtl.datasets.contract import fields
from wtl.datasets.reading.store import EpisodeStore


class Glimpses(NamedTuple):
    """B episodes at 1 + K timesteps each, the first of them the first.

    Attributes:
      image: uint8[B, 1 + K, H, W, 3].
      felt: [B, 1 + K, P] proprioception.
      state: [B, 1 + K, S] slots in order of place.
      point: [B, 1 + K, Q, 2] image coordinates of objects, buttons, anchor, the middle
        of the goal band and the hand.
    """

    image: np.ndarray
    felt: np.ndarray
    state: np.ndarray
    point: np.ndarray


class GlimpseSource:
    """Draws timesteps of stored episodes.

    Those of the robot's one camera are mirrored left to right half of the time.
    """

    def __init__(
        self,
        demos: EpisodeStore,
        layout: observation.Layout,
        later: int,
        embodiment: Embodiment = Embodiment.ROBOT,
    ):
        """Keeps the images in memory as they are.

        Args:
          demos: with images; slots in order of place.
          layout: of their states.
          later: K.
          embodiment: the body seen in them.
        """
        self._demos = demos
        draw = appearance.DRAWS[embodiment]
        self._own = embodiment is Embodiment.ROBOT
        self._cameras = [draw(int(s)).camera for s in demos[fields.SCENE_SEED]]
        self._layout = layout
        self._later = later
        self._signs = layout.mirror_signs()

    def draw(self, rng: np.random.Generator, count: int) -> Glimpses:
        """Draws `count` episodes."""
        demos, layout = self._demos, self._layout
        row = rng.integers(len(demos), size=count)
        share = rng.random((count, self._later))
        time = (share * demos.length[row][:, None]).astype(np.int64)
        time = np.concatenate([np.zeros((count, 1), np.int64), time], axis=1)
        image = demos.image[row[:, None], time]
        state = demos.state[row[:, None], time]
        mirrored = np.flatnonzero(rng.random(count) < 0.5 * self._own)
        image[mirrored] = image[mirrored][..., ::-1, :]
        turned = state[mirrored] * self._signs
        rows = layout.split(turned)
        for name in ("objects", "buttons"):
            # Mirrored, the leftmost is the rightmost.
            rows[name][...] = rows[name][..., ::-1, :].copy()
        state[mirrored] = turned
        felt = layout.proprioception(state, own=self._own)
        return Glimpses(image, felt, state, self._points(row, state))

    def gather(self, rows: Glimpses) -> Example:
        """Turns arrays into tensors."""
        return Example(*(tf.convert_to_tensor(value) for value in rows))

    def _points(self, row: np.ndarray, state: np.ndarray) -> np.ndarray:
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
                rows["gripper"][..., None, :3],
            ],
            axis=-2,
        )
        return np.stack(
            [
                self._cameras[i].project(seen)
                for i, seen in zip(row, positions, strict=True)
            ]
        ).astype(np.float32)
