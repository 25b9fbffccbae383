"""Examples of models of the next state: slices of time of recorded episodes."""

from typing import Any

import numpy as np
import tensorflow as tf

from wtl.datasets.reading.store import EpisodeStore
from wtl.policies.adapters.transition_window import Transitions
from wtl.policies.foresight.config import ANOTHER_TASK, NONE, ForesightConfig
from wtl.policies.foresight.loss import Slice, errors
from wtl.policies.foresight.network import Foresight

_ROWS = 256  # slices of which errors are computed together


class SliceSource:
    """Draws slices of M + K transitions, each as likely; see `training.trainer.train`.

    Those at the start have fewer than M. Episodes of fewer than K have none.
    """

    def __init__(
        self, episodes: EpisodeStore, privileged: np.ndarray, config: ForesightConfig
    ):
        """Convert the episodes to tensors.

        Args:
          episodes: N episodes.
          privileged: [N, T, H] hidden variables at each timestep; H may be 0.
          config: configuration of the model.
        """
        self._seen, self._predicted = config.window, config.predicted
        self._lag, self._length = config.lag, episodes.length.astype(np.int32)
        # Slices that begin in each episode, counted up to its end.
        self._starts = np.maximum(episodes.length - self._predicted, 0)
        self._slices = np.cumsum(self._starts)
        # Slices are padded where they begin before their episode.
        pad = ((0, 0), (self._seen, 0), (0, 0))
        steps = (episodes.state, episodes.action, privileged)
        self._sizes = [array.shape[-1] for array in steps]
        self._steps = tf.constant(np.pad(np.concatenate(steps, axis=-1), pad))

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Return int32[count, 3]: episodes, first steps after M, first steps of K."""
        drawn = rng.integers(self._slices[-1], size=count)
        episode = np.searchsorted(self._slices, drawn, side="right")
        start = drawn - np.concatenate([[0], self._slices])[episode]
        latest = np.minimum(start + self._lag, self._starts[episode] - 1)
        predicted = rng.integers(start, latest, endpoint=True)
        return np.stack([episode, start, predicted], axis=1).astype(np.int32)

    def gather(self, rows: tf.Tensor) -> Slice:
        """Return the slices of drawn rows."""
        episode, start, predicted = tf.unstack(tf.convert_to_tensor(rows), axis=1)
        seen = start[:, None] + tf.range(self._seen)
        following = predicted[:, None] + self._seen + tf.range(self._predicted)
        return Slice(*self._at(episode, seen), *self._at(episode, following))

    def seen_beside(self, rows: tf.Tensor, beside: np.ndarray) -> Transitions:
        """Return what is seen in other episodes than those of rows, until they end.

        Args:
          rows: drawn rows.
          beside: [N] the other episode of each.
        """
        episode, start, _ = tf.unstack(tf.convert_to_tensor(rows), axis=1)
        other = tf.gather(tf.constant(beside, tf.int32), episode)
        step = start[:, None] + tf.range(self._seen)
        found, _ = self._at(other, step)
        follows = step - self._seen + 1 < tf.gather(self._length, other)[:, None]
        return found._replace(valid=found.valid * tf.cast(follows, tf.float32))

    def _at(self, episode: tf.Tensor, step: tf.Tensor) -> tuple[Transitions, tf.Tensor]:
        """Return transitions at padded steps [B, N], and hidden variables there."""
        index = tf.stack([episode[:, None] + tf.zeros_like(step), step], axis=-1)
        found = tf.gather_nd(self._steps, index)
        state, action, privileged = tf.split(found, self._sizes, axis=-1)
        after = tf.gather_nd(self._steps, index + tf.constant([0, 1]))
        valid = tf.cast(step >= self._seen, tf.float32)
        following = after[..., : self._sizes[0]]
        return Transitions(state, action, following, valid), privileged


def model_errors(
    network: Foresight,
    episodes: EpisodeStore,
    privileged: np.ndarray,
    starts: np.ndarray,
    beside: np.ndarray | None = None,
) -> dict[str, Any]:
    """Return the error of a model before and after it adapts to the last transitions.

    Args:
      network: the model.
      episodes: N episodes.
      privileged: [N, T, H] hidden variables at each timestep.
      starts: [N] step of each episode from which on K steps at a time are predicted.
      beside: [N] episodes to which a control adapts in place of each.

    Returns:
      `before` and `after`: [N] mean squared errors of scaled changes, one step ahead;
      None for episodes that end too early.
    """
    config = network.config
    source = SliceSource(episodes, privileged, config)
    rows = np.array(
        [
            (i, start, start)
            for i, first in enumerate(starts)
            for start in range(
                first, episodes.length[i] - config.predicted, config.predicted
            )
        ],
        np.int32,
    ).reshape(-1, 3)

    @tf.function(autograph=False, reduce_retracing=True)
    def both(rows):
        example = source.gather(rows)
        return tuple(
            tf.reduce_mean(errors(network, example, adaptations), 1)
            for adaptations in _adapted(network, source, rows, beside)
        )

    parts = [both(tf.constant(rows[i : i + _ROWS])) for i in range(0, len(rows), _ROWS)]
    found = {}
    for place, name in enumerate(("before", "after")):
        values = np.concatenate([[], *(part[place].numpy() for part in parts)])
        found[name] = [
            float(values[rows[:, 0] == i].mean()) if (rows[:, 0] == i).any() else None
            for i in range(len(starts))
        ]
    return found


def adaptation_sizes(
    network: Foresight,
    episodes: EpisodeStore,
    privileged: np.ndarray,
    steps: np.ndarray,
    beside: np.ndarray | None = None,
) -> list[list[float | None]]:
    """Return how far a model has adapted at steps of episodes.

    Args:
      network: the model.
      episodes: N episodes.
      privileged: [N, T, H] hidden variables at each timestep.
      steps: int[N, K] steps of each episode.
      beside: see `model_errors`.

    Returns:
      [K][N] root mean squares of the changes of an adaptation, such as the parameters
      of a network, by the last transitions; None before a window is full and after an
      end.
    """
    source = SliceSource(episodes, privileged, network.config)
    place, number = np.indices(steps.shape)
    there = (network.config.window <= steps) & (steps < episodes.length[:, None])
    rows = np.stack([place[there], steps[there], steps[there]], axis=1)

    @tf.function(autograph=False, reduce_retracing=True)
    def sizes(rows):
        before, after = _adapted(network, source, rows, beside)
        squares = [(a - b) ** 2 for a, b in zip(after, before, strict=True)]
        size = tf.sqrt(tf.reduce_mean(tf.stack(squares), axis=(0, -1)))
        return size + tf.zeros(tf.shape(rows)[0])  # one for all, if nothing adapts

    found: list[list[float | None]] = [[None] * len(steps) for _ in steps[0]]
    for i in range(0, len(rows), _ROWS):
        values = sizes(tf.constant(rows[i : i + _ROWS], tf.int32)).numpy()
        of_rows = zip(number[there][i:], place[there][i:], values, strict=False)
        for k, n, value in of_rows:
            found[k][n] = float(value)
    return found


def _adapted(network, source, rows, beside) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Return adaptations to nothing, and to the last transitions."""
    example = source.gather(rows)
    seen = example.seen
    if network.config.window_of == ANOTHER_TASK:
        seen = source.seen_beside(rows, beside)
    nothing = seen._replace(valid=tf.zeros_like(seen.valid))
    if network.config.window_of == NONE:
        seen = nothing
    return tuple(
        network.adapt(given, example.seen_privileged) for given in (nothing, seen)
    )
