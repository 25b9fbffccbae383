"""Selection of the entity to act on, by the posterior over referent rules.

For worlds whose features say which entity each rule picks in a scene (`picks`). Every
context episode is evidence on the rules: a demonstration, or a trial that succeeded,
acted on the entity that the rule picks; a trial that failed, on another one. The weight
of a kind of rules and the reliability of each evidence are learned.
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from wtl.policies.legacy_keras import tf_keras

_SHARPNESS = 20.0  # of matching entities by their attributes
_UNRELIABLE = -4.0  # logit of the probability that evidence is wrong, at first
_LEAST = 1e-6


class Evidence(NamedTuple):
    """Context episodes of one role.

    Attributes:
      picks: [B, K, H, E, E] entity that each rule picks in the scene of each episode.
      attributes: [B, K, E, F] of the entities there.
      acted: [B, K, E] probability of the entity acted on.
      success: [B, K] 1 or -1; 0 where it is hidden.
      mask: [B, K] 1 where there is an episode.
    """

    picks: tf.Tensor
    attributes: tf.Tensor
    acted: tf.Tensor
    success: tf.Tensor
    mask: tf.Tensor


class PosteriorHead(tf_keras.layers.Layer):
    """Scores the entities of a scene by the rules that context episodes leave."""

    def __init__(self, by_entity: Sequence[bool]):
        """Create the head.

        Args:
          by_entity: [H] whether the parameter of each kind of rules is an entity.
        """
        super().__init__(name="posterior")
        self._by_entity = tf.constant(by_entity)[:, None]

    def build(self, _):
        """Create the weights of kinds and the probabilities of wrong evidence."""
        self._kind = self.add_weight("kind", self._by_entity.shape, initializer="zeros")
        unreliable = tf_keras.initializers.Constant(_UNRELIABLE)
        self._wrong = self.add_weight("wrong", (2,), initializer=unreliable)
        super().build(())

    def call(
        self, attributes: tf.Tensor, picks: tf.Tensor, episodes: Sequence[Evidence]
    ) -> tf.Tensor:
        """Return logits [B, E].

        Args:
          attributes: [B, E, F] of the entities of the scene to act in.
          picks: [B, H, E, E] entity that each rule picks there: kind, parameter,
            entity.
          episodes: evidence, demonstrations with success 1 among them.
        """
        rules = picks.shape[1] * picks.shape[2]
        # Rules that pick nothing in this scene are none.
        log_weight = self._kind + tf.math.log(tf.reduce_sum(picks, -1) + _LEAST)
        success_wrong, failure_wrong = tf.unstack(tf.sigmoid(self._wrong))
        for each in episodes:
            apart = attributes[:, None, :, None] - each.attributes[:, :, None]
            same = tf.nn.softmax(-_SHARPNESS * tf.reduce_sum(apart**2, -1))
            acted = tf.einsum("bkhpe,bke->bkhp", each.picks, each.acted)
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
