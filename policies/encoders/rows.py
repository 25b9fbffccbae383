"""Rows of observations as tokens: of a scene, and of the episodes of a context.

A row is a named vector of the observation, or one of a set of vectors of one kind, see
`Layout.rows` and `Layout.sets`. Nothing else is known of them.
"""

import numpy as np
import tensorflow as tf

from wtl.datasets.contract.layout import Layout
from wtl.policies import axes, features
from wtl.policies.contextual.context import ContextEpisodes
from wtl.policies.encoders.gated import Gated
from wtl.policies.encoders.multi_scale import MultiScale
from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers

_LIMIT = 8.0  # standard deviations
_LEAST = 1e-4  # deviation of a number that changes
_NORMAL_IQR = 1.349  # between the quartiles of a normal distribution of deviation 1
_QUERIES = 4  # of the attention over frames
REST = "(rest)"  # all rows that are of no set, joined; no observation has this name


class Rows(layers.Layer):
    """Standardises states and splits them into sets of rows and the rest.

    Each number is given in two scales, by mean and standard deviation, and by median
    and quartiles. Rows of things that are absent from a scene may lie far from all
    others and make the deviation tens of times that of the things that are there; the
    quartiles stay while fewer than about a quarter are absent. The deviation is kept
    for numbers that seldom change, whose quartiles say nothing of their changes.
    """

    def __init__(self, layout: Layout):
        super().__init__(name="rows")
        self._layout = layout

        def constant(name: str, initial: str):
            return self.add_weight(
                name, (layout.state_size,), initializer=initial, trainable=False
            )

        self._mean, self._std = constant("mean", "zeros"), constant("std", "ones")
        self._median, self._iqr = constant("median", "zeros"), constant("iqr", "ones")

    def adapt(self, states: np.ndarray):
        """Set both scales from states [..., S]; rows of a set share theirs."""
        mean, std, median, iqr = (np.zeros(states.shape[-1]) for _ in range(4))
        for name, row in self._layout.split(states).items():
            row = row.reshape(-1, row.shape[-1])
            spread = row.std(axis=0)
            spread = np.where(spread > _LEAST, spread, 1.0)
            low, middle, high = np.percentile(row, (25, 50, 75), axis=0)
            quartiles = (high - low) / _NORMAL_IQR
            quartiles = np.where(quartiles > _LEAST, quartiles, spread)
            for values, found in (
                (mean, row.mean(axis=0)),
                (std, spread),
                (median, middle),
                (iqr, quartiles),
            ):
                self._layout.split(values)[name][...] = found  # a view
        self._mean.assign(mean)
        self._std.assign(std)
        self._median.assign(median)
        self._iqr.assign(iqr)

    def call(self, state: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return sets [..., size, 2 W] by name, the rest [..., 2 R], of [..., S]."""
        by_mean = self._split((state - self._mean) / self._std)
        by_median = self._split((state - self._median) / self._iqr)
        return {n: tf.concat([by_mean[n], by_median[n]], axis=-1) for n in by_mean}

    def _split(self, state: tf.Tensor) -> dict[str, tf.Tensor]:
        state = tf.clip_by_value(state, -_LIMIT, _LIMIT)
        rows = features.split(state, self._layout)
        sets = {name: rows.pop(name) for name in self._layout.sets}
        return sets | {REST: tf.concat([state[..., :0], *rows.values()], axis=-1)}


def sets(layout: Layout) -> tuple[str, ...]:
    """Return the names of sets of rows; without any, all rows are one of one row."""
    return tuple(layout.sets) or (REST,)


def each(rows: dict[str, tf.Tensor], function) -> tf.Tensor:
    """Return function(name of the set, rows [..., size, F]) of all sets, joined.

    Args:
      rows: output of `Rows`.
      function: it is given every row beside the rest of the observation, and returns
        [..., size, G].

    Returns:
      [..., E, G].
    """
    rest = rows[REST][..., None, :]
    found = []
    for name, row in rows.items():
        if name != REST:
            beside = tf.zeros_like(row[..., :1]) + rest
            found.append(function(name, tf.concat([row, beside], axis=-1)))
    return tf.concat(found or [function(REST, rest)], axis=-2)


class RowTokens(layers.Layer):
    """Tokens [..., E, Z] of rows alone: one map for scenes and context episodes."""

    def __init__(self, layout: Layout, width: int):
        super().__init__(name="row_tokens")
        self._sets = {name: layers.Dense(width) for name in sets(layout)}

    def call(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the tokens, given the output of `Rows`."""
        rows = rows | {REST: rows[REST][..., None, :]}
        return tf.concat([map_(rows[name]) for name, map_ in self._sets.items()], -2)


class SceneTokens(layers.Layer):
    """Tokens [B, E, Z] of the rows of a scene, each beside the rest."""

    def __init__(self, layout: Layout, width: int):
        super().__init__(name="scene_tokens")
        self._inner = {name: MultiScale(width, width) for name in sets(layout)}
        self._out = {name: layers.Dense(width) for name in sets(layout)}

    def call(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the tokens, given the output of `Rows`."""
        return each(rows, lambda name, row: self._out[name](self._inner[name](row)))


class EpisodeTokens(layers.Layer):
    """Tokens [B, K, E, Z] of the tracks of rows over K context episodes.

    A track is a row in each frame with its changes since the first and until the next,
    the rest of the observation, and the action. Attention over its frames makes it one
    token.
    """

    def __init__(self, layout: Layout, width: int, role: str):
        super().__init__(name=f"{role}_tokens")
        self._inner = {
            name: [MultiScale(width, width), Gated(width)] for name in sets(layout)
        }
        self._queries = {name: layers.Dense(_QUERIES) for name in sets(layout)}
        self._out = {name: layers.Dense(width) for name in sets(layout)}
        # Without bias: a success of 0 is hidden.
        self._success = layers.Dense(width, use_bias=False)

    def call(self, rows: dict[str, tf.Tensor], episodes: ContextEpisodes) -> tf.Tensor:
        """Return the tokens, given the output of `Rows` [B, K, T, ...]."""
        action = axes.merge(episodes.action)
        tracks = {}
        for name, row in rows.items():
            row = axes.merge(row)
            after = tf.concat([row[:, 1:], row[:, -1:]], axis=1)
            tracks[name] = tf.concat([row, row - row[:, :1], after - row], axis=-1)
        time = tf.linspace(-1.0, 1.0, tf.shape(action)[1])[:, None]
        time += tf.zeros_like(action[..., :1])
        tracks[REST] = tf.concat([tracks[REST], action, time], axis=-1)
        tokens = axes.split(each(tracks, self._token), episodes.mask)
        tokens += self._success(episodes.success[..., None])[:, :, None]
        return tokens

    def _token(self, name: str, track: tf.Tensor) -> tf.Tensor:
        """Return [N, E, Z] of tracks [N, T, E, F]."""
        for layer in self._inner[name]:
            track = layer(track)
        weight = tf.nn.softmax(self._queries[name](track), axis=1)
        seen = tf.einsum("nteq,ntef->neqf", weight, track)
        shape = tf.concat([tf.shape(seen)[:2], [_QUERIES * track.shape[-1]]], 0)
        largest = tf.reduce_max(track, axis=1)
        return self._out[name](tf.concat([tf.reshape(seen, shape), largest], axis=-1))
