"""Selection of the entity to act on, by the posterior over referent rules.

For worlds whose features say which entity each rule picks in a scene (`picks`). Every
context episode is evidence on the rules: a demonstration, or a trial that succeeded,
acted on the entity that the rule picks; a trial that failed, on another one. The weight
of a kind of rules and the reliability of each evidence are learned.
"""

from collections.abc import Sequence

import tensorflow as tf

from wtl.datasets.contract.layout import Layout
from wtl.policies import features
from wtl.policies.heads.evidence import Evidence
from wtl.policies.legacy_keras import tf_keras

_SHARPNESS = 20.0  # of matching entities by their attributes
_UNRELIABLE = -4.0  # logit of the probability that evidence is wrong, at first
_LEAST = 1e-6


class PosteriorHead(tf_keras.layers.Layer):
    """Scores the entities of a scene by the rules that context episodes leave."""

    def __init__(self, layout: Layout):
        super().__init__(name="posterior")
        self._layout = layout
        self._by_entity = tf.constant(layout.features.BY_ENTITY)[:, None]

    def build(self, _):
        """Create the weights of kinds and the probabilities of wrong evidence."""
        self._kind = self.add_weight("kind", self._by_entity.shape, initializer="zeros")
        unreliable = tf_keras.initializers.Constant(_UNRELIABLE)
        self._wrong = self.add_weight("wrong", (2,), initializer=unreliable)
        super().build(())

    def call(self, state: tf.Tensor, evidence: Sequence[Evidence]) -> tf.Tensor:
        """Return logits [B, E].

        Args:
          state: [B, S] first states of the episodes to play.
          evidence: context episodes of each role, demonstrations with success 1.
        """
        picks, attributes = self._picks(state)
        rules = picks.shape[1] * picks.shape[2]
        # Rules that pick nothing in this scene are none.
        log_weight = self._kind + tf.math.log(tf.reduce_sum(picks, -1) + _LEAST)
        success_wrong, failure_wrong = tf.unstack(tf.sigmoid(self._wrong))
        for each in evidence:
            picked, there = self._picks(each.state)
            apart = attributes[:, None, :, None] - there[:, :, None]
            same = tf.nn.softmax(-_SHARPNESS * tf.reduce_sum(apart**2, -1))
            acted = tf.einsum(
                "bkhpe,bke->bkhp", picked, tf.nn.softmax(each.code.logits)
            )
            # Parameters that are entities are counted by the slots of this scene.
            here = tf.einsum("bkpj,bkhj->bkhp", same, acted)
            acted = tf.where(self._by_entity, here, acted)
            succeeded = tf.math.log(success_wrong + (1 - success_wrong) * acted)
            failed = tf.math.log(failure_wrong + (1 - failure_wrong) * (1 - acted))
            success = each.success[..., None, None]
            seen = tf.where(success < 0, failed, tf.zeros_like(failed))
            seen = tf.where(success > 0, succeeded, seen)
            log_weight += tf.reduce_sum(each.mask[..., None, None] * seen, axis=1)
        weight = tf.nn.softmax(tf.reshape(log_weight, (-1, rules)))
        picks = tf.reshape(picks, (-1, rules, picks.shape[-1]))
        return tf.math.log(tf.einsum("br,bre->be", weight, picks) + _LEAST)

    def _picks(self, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the entity that each rule picks, and attributes, in states [..., S].

        The first is [..., H, E, E]: kind, parameter, entity.
        """
        rows = features.split(state, self._layout)
        items = self._layout.features.entities(rows)
        return self._layout.features.picks(rows, items), items.attributes
