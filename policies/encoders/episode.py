"""Encoders of episodes into the entity acted on and an embedding of the motion."""

from typing import NamedTuple

import tensorflow as tf

from wtl.datasets.contract.layout import Layout
from wtl.policies import features
from wtl.policies.features import targets
from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers


class EpisodeCode(NamedTuple):
    """N encoded episodes.

    Attributes:
      embedding: [N, Z] of the trajectory.
      logits: [N, E] over the target acted on, or None for a flat encoder.
      attributes: [N, F] its attributes (mean under the logits), or None.
      place: [N] its initial x in metres (mean under the logits), or None.
    """

    embedding: tf.Tensor
    logits: tf.Tensor | None = None
    attributes: tf.Tensor | None = None
    place: tf.Tensor | None = None


class _OverTime(layers.Layer):
    """Embedding [N, Z] of features [N, T, F]."""

    def __init__(self, embedding: int):
        super().__init__()
        self._frame = [layers.Dense(128, "relu"), layers.Dense(64, "relu")]
        self._time = [
            layers.Conv1D(64, 5, padding="same", activation="relu") for _ in range(2)
        ]
        self._out = layers.Dense(embedding)
        self._pooled = layers.Dense(128, "relu")

    def call(self, hidden: tf.Tensor) -> tf.Tensor:
        for layer in self._frame + self._time:
            hidden = layer(hidden)
        pooled = tf.concat(
            [
                tf.reduce_mean(hidden, axis=1),
                tf.reduce_max(hidden, axis=1),
                hidden[:, 0],
                hidden[:, -1],
            ],
            axis=-1,
        )
        return self._out(self._pooled(pooled))


class _Encoder(layers.Layer):
    def __init__(self, layout: Layout, name: str):
        super().__init__(name=name)
        self._layout = layout

    def _inputs(self, state: tf.Tensor):
        """Return entities, features of the body and relations of states [N, T, S]."""
        rows = features.split(state, self._layout)
        world = self._layout.features
        items = world.entities(rows)
        return items, world.body(rows), world.relations(rows, items)


class EpisodeEncoder(_Encoder):
    """Attends to the entity that was acted on, then encodes its trajectory."""

    def __init__(self, layout: Layout, embedding: int, name: str):
        super().__init__(layout, name)
        self._scorer = [layers.Dense(32, "relu"), layers.Dense(32, "relu")]
        self._score = [layers.Dense(32, "relu"), layers.Dense(1)]
        self._over_time = _OverTime(embedding)
        self._way = layers.Dense(layout.ways) if layout.ways > 1 else None

    def call(
        self, state: tf.Tensor, action: tf.Tensor, success: tf.Tensor
    ) -> EpisodeCode:
        """Encode N episodes.

        Args:
          state: [N, T, S] states.
          action: [N, T, A] actions.
          success: [N] 1 or -1.
        """
        items, body, relations = self._inputs(state)
        first = items.position[:, :1]
        moved = 10 * (items.position - first)
        logits = self._attend(items, moved, relations)
        weights = tf.nn.softmax(logits)[:, None]  # the same entity at all times
        target = tf.einsum(
            "nte,nted->ntd",
            tf.broadcast_to(weights, tf.shape(items.position)[:3]),
            tf.concat([relations, moved], axis=-1),
        )
        picked = weights[:, 0]
        embedding = self._over_time(
            tf.concat([body, target, action, _flag(success, action)], axis=-1)
        )
        if self._way:
            way = tf.nn.log_softmax(self._way(embedding))[:, None]
            each = tf.nn.log_softmax(logits)[..., None] + way
            logits = targets.joined(each, self._layout)
        return EpisodeCode(
            embedding=embedding,
            logits=logits,
            attributes=tf.einsum("ne,nef->nf", picked, items.attributes[:, 0]),
            place=tf.reduce_sum(picked * first[:, 0, :, 0], axis=-1),
        )

    def _attend(self, items, moved, relations) -> tf.Tensor:
        hidden = tf.concat(
            [moved, items.velocity * 2, items.travel * 50, relations[..., 3:9]], axis=-1
        )
        for layer in self._scorer:
            hidden = layer(hidden)
        hidden = tf.concat(
            [tf.reduce_max(hidden, axis=1), tf.reduce_mean(hidden, axis=1)], axis=-1
        )
        for layer in self._score:
            hidden = layer(hidden)
        return hidden[..., 0]


class FlatEpisodeEncoder(_Encoder):
    """Encodes the trajectories of all entities, in the order of their slots.

    It is the contextual policy of DAML's comparison, and of Duan et al. 2017 without
    attention: no structure of entities is built in.
    """

    def __init__(self, layout: Layout, embedding: int, name: str):
        super().__init__(layout, name)
        self._over_time = _OverTime(embedding)

    def call(
        self, state: tf.Tensor, action: tf.Tensor, success: tf.Tensor
    ) -> EpisodeCode:
        """Encode episodes, given as to `EpisodeEncoder`."""
        _, body, relations = self._inputs(state)
        width = relations.shape[-2] * relations.shape[-1]
        flat = tf.reshape(relations, (-1, state.shape[1], width))
        return EpisodeCode(
            self._over_time(
                tf.concat([body, flat, action, _flag(success, action)], axis=-1)
            )
        )


def _flag(success: tf.Tensor, action: tf.Tensor) -> tf.Tensor:
    """Return successes [N] as [N, T, 1]."""
    return tf.broadcast_to(success[:, None, None], tf.shape(action[..., :1]))
