"""Selection of the entity of a scene to act on, from context episodes.

Every context episode points, in the current scene, at the entity with the attributes of
the one it acted on (identity) and at the entity in its place (position). The selection
weighs these, the success of trials, and whether the context episodes agree.
"""

from collections.abc import Sequence

import tensorflow as tf

from wtl.datasets.contract.layout import Layout
from wtl.policies import features
from wtl.policies.heads.evidence import Evidence
from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers

_OTHER_KIND = -20.0  # logit of matching entities of two kinds
_KIND = features.ATTRIBUTES - 1


class TargetHead(layers.Layer):
    """Scores the entities of a scene, by the same function for each."""

    def __init__(self, layout: Layout):
        super().__init__(name="target")
        self._layout = layout
        self._evidence = [layers.Dense(32, "relu"), layers.Dense(32, "relu")]
        self._score = [
            layers.Dense(64, "relu"),
            layers.Dense(32, "relu"),
            layers.Dense(1),
        ]

    def build(self, _):
        """Create the scales of differences of attributes and places."""
        self._attribute_scale = self.add_weight(
            "attribute_scale", (features.ATTRIBUTES,), initializer="ones"
        )
        self._place_scale = self.add_weight(
            "place_scale", (), initializer=tf_keras.initializers.Constant(20.0)
        )
        super().build(())

    def call(self, state: tf.Tensor, evidence: Sequence[Evidence]) -> tf.Tensor:
        """Return logits [B, E]; evidence of later roles is compared with the first.

        Args:
          state: [B, S] first states of the episodes to play.
          evidence: context episodes of each role.
        """
        rows = features.split(state, self._layout)
        items = self._layout.features.entities(rows)
        attributes, place = items.attributes, items.position[..., 0]
        batch, entities = tf.unstack(tf.shape(place))
        total = tf.zeros(tf.concat([tf.shape(place), [32]], 0))
        hypotheses = []
        reference = None
        for role, _, code, success, mask in evidence:
            identity = self._match_attributes(code.attributes, attributes)
            position = self._match_place(code, attributes, place)
            weight = mask[..., None]
            # Several demonstrations of one task multiply their evidence.
            pooled = (
                tf.nn.softmax(tf.reduce_sum(weight * identity, axis=1)),
                tf.nn.softmax(tf.reduce_sum(weight * position, axis=1)),
            )
            present = tf.reduce_max(mask, axis=1, keepdims=True)
            hypotheses += [(present * p)[..., None] for p in pooled]
            if reference is None:
                reference = (code, mask, present)
            agreement = self._agreement(code, *reference)
            count = tf.shape(mask)[1]
            of_episode = tf.concat(
                [success[..., None], tf.fill((batch, count, 1), role), agreement],
                axis=-1,
            )[:, :, None]
            of_reference = tf.concat(hypotheses[:2], axis=-1)[:, None]
            each = (batch, count, entities)
            hidden = tf.concat(
                [
                    tf.nn.softmax(identity)[..., None],
                    tf.nn.softmax(position)[..., None],
                    tf.broadcast_to(of_episode, (*each, of_episode.shape[-1])),
                    tf.broadcast_to(of_reference, (*each, 2)),
                ],
                axis=-1,
            )
            for layer in self._evidence:
                hidden = layer(hidden)
            total += tf.reduce_sum(hidden * mask[..., None, None], axis=1)
        hidden = tf.concat([attributes[..., _KIND:], *hypotheses, total], axis=-1)
        for layer in self._score:
            hidden = layer(hidden)
        return hidden[..., 0]

    def _match_attributes(self, given: tf.Tensor, scene: tf.Tensor) -> tf.Tensor:
        """Return logits [B, K, E] of attributes [B, K, F] against [B, E, F]."""
        error = (given[:, :, None] - scene[:, None]) * 3 * self._attribute_scale
        return -tf.reduce_sum(error**2, axis=-1) + self._kinds(given, scene)

    def _match_place(self, code, scene: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
        error = (code.place[:, :, None] - place[:, None]) * self._place_scale
        return -(error**2) + self._kinds(code.attributes, scene)

    def _kinds(self, given: tf.Tensor, scene: tf.Tensor) -> tf.Tensor:
        difference = given[:, :, None, _KIND] - scene[:, None, :, _KIND]
        return _OTHER_KIND * tf.abs(difference)

    def _agreement(self, code, reference, mask, present) -> tf.Tensor:
        """Return the likeness [B, K, 2] of identity and position to the reference."""
        weight = mask / tf.maximum(tf.reduce_sum(mask, axis=1, keepdims=True), 1)
        attributes = tf.einsum("bk,bkf->bf", weight, reference.attributes)
        place = tf.einsum("bk,bk->b", weight, reference.place)
        error = (code.attributes - attributes[:, None]) * 3 * self._attribute_scale
        identity = tf.exp(-tf.reduce_sum(error**2, axis=-1))
        position = tf.exp(-(((code.place - place[:, None]) * self._place_scale) ** 2))
        return tf.stack([identity, position], axis=-1) * present[..., None]
