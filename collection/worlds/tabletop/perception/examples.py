"""Draws images with the states that they show, to train perception."""

import numpy as np
import tensorflow as tf

from wtl.collection.worlds.tabletop import appearance, observation
from wtl.collection.worlds.tabletop.perception.loss import Example
from wtl.datasets.contract import fields
from wtl.datasets.reading.store import EpisodeStore


class ExampleSource:
    """Draws timesteps of stored episodes.

    Those of the robot's one camera are mirrored left to right half of the time.
    """

    def __init__(
        self,
        demos: EpisodeStore,
        layout: observation.Layout,
        later: int,
        is_human: bool = False,
    ):
        """Keep the images in memory unchanged.

        Args:
          demos: episodes with images; slots in order of place.
          layout: layout of their states.
          later: K, timesteps drawn after the first.
          is_human: whether they are videos of the simulated human.
        """
        self._demos = demos
        draw = appearance.draw_human if is_human else appearance.draw_robot
        self._own = not is_human
        self._cameras = [draw(int(s)).camera for s in demos[fields.SCENE_SEED]]
        self._layout = layout
        self._later = later
        self._signs = layout.mirror_signs()

    def draw(self, rng: np.random.Generator, count: int) -> Example:
        """Draw `count` episodes, as arrays."""
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
        for name in layout.kinds:
            # Mirrored, the leftmost is the rightmost.
            rows[name][...] = rows[name][..., ::-1, :].copy()
        state[mirrored] = turned
        proprioception = layout.proprioception(state, own=self._own)
        return Example(image, proprioception, state, self._points(row, state))

    def gather(self, rows: Example) -> Example:
        """Convert arrays to tensors."""
        return Example(*(tf.convert_to_tensor(value) for value in rows))

    def _points(self, row: np.ndarray, state: np.ndarray) -> np.ndarray:
        """[B, 1 + K, Q, 2] image coordinates, see `Example.point`."""
        rows = self._layout.split(state)
        fixtures = observation.slices(observation.FIXTURES)
        goal = np.zeros((*state.shape[:-1], 3))
        goal[..., 1:2] = rows["fixtures"][..., fixtures["goal"]]
        positions = np.concatenate(
            [
                *(rows[name][..., :3] for name in self._layout.kinds),
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
