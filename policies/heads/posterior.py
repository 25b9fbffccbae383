"""Selection of the target, by the posterior over referent rules.

For worlds whose features say which entity each rule picks in a scene (`picks`), and
which way of acting on it, where there are several (`ways`). Every context episode is
evidence on the rules: a demonstration, or a trial that succeeded, acted on the entity
that the rule picks, in the way that it picks; a trial that failed did not. The weight
of a kind of rules and the reliability of each evidence are learned.
"""

from collections.abc import Sequence

import tensorflow as tf

from wtl.datasets.contract.layout import Layout
from wtl.policies import features
from wtl.policies.features import targets
from wtl.policies.heads.evidence import Evidence
from wtl.policies.legacy_keras import tf_keras

_SHARPNESS = 20.0  # of matching entities by their attributes
_UNRELIABLE = -4.0  # logit of the probability that evidence is wrong, at first
_LEAST = 1e-6


class PosteriorHead(tf_keras.layers.Layer):
    """Scores the targets of a scene by the rules that context episodes leave."""

    def __init__(self, layout: Layout):
        super().__init__(name="posterior")
        self._layout = layout
        self._by_entity = tf.constant(layout.features.BY_ENTITY)[:, None, None]

    def build(self, _):
        """Create the weights of kinds and the probabilities of wrong evidence."""
        kinds = (self._by_entity.shape[0], 1)
        self._kind = self.add_weight("kind", kinds, initializer="zeros")
        unreliable = tf_keras.initializers.Constant(_UNRELIABLE)
        self._wrong = self.add_weight("wrong", (2,), initializer=unreliable)
        super().build(())

    def call(self, state: tf.Tensor, evidence: Sequence[Evidence]) -> tf.Tensor:
        """Return logits [B, E].

        Args:
          state: [B, S] first states of the episodes to play.
          evidence: context episodes of each role, demonstrations with success 1.
        """
        picks, ways, identity = self._picks(state)
        # Rules that pick nothing in this scene are none.
        log_weight = self._kind + tf.math.log(tf.reduce_sum(picks, -1) + _LEAST)
        log_weight = log_weight[..., None] + tf.zeros_like(ways[:, None, None, :, 0])
        success_wrong, failure_wrong = tf.unstack(tf.sigmoid(self._wrong))
        for each in evidence:
            picked, way, there = self._picks(each.state)
            apart = identity[:, None, :, None] - there[:, :, None]
            same = tf.nn.softmax(-_SHARPNESS * tf.reduce_sum(apart**2, -1))
            acted = targets.by_way(tf.nn.softmax(each.code.logits), self._layout)
            acted = tf.einsum("bkew,bkmw->bkem", acted, way)
            acted = tf.einsum("bkhpe,bkem->bkhpm", picked, acted)
            # Parameters that are entities are counted by the slots of this scene.
            here = tf.einsum("bkpj,bkhjm->bkhpm", same, acted)
            acted = tf.where(self._by_entity, here, acted)
            succeeded = tf.math.log(success_wrong + (1 - success_wrong) * acted)
            failed = tf.math.log(failure_wrong + (1 - failure_wrong) * (1 - acted))
            success = each.success[..., None, None, None]
            seen = tf.where(success < 0, failed, tf.zeros_like(failed))
            seen = tf.where(success > 0, succeeded, seen)
            mask = each.mask[..., None, None, None]
            log_weight += tf.reduce_sum(mask * seen, axis=1)
        _, kinds, parameters, rules = log_weight.shape
        flat = tf.reshape(log_weight, (-1, kinds * parameters * rules))
        weight = tf.reshape(tf.nn.softmax(flat), tf.shape(log_weight))
        likely = tf.einsum("bhpm,bhpe->bem", weight, picks)
        likely = tf.einsum("bem,bmw->bew", likely, ways)
        return tf.math.log(targets.joined(likely, self._layout) + _LEAST)

    def _picks(self, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return what each rule picks in states [..., S], and who the entities are.

        The entity [..., H, N, N] of N by kind of rule and parameter, the way
        [..., M, W] by rule for it, and attributes [..., N, F] that stay in all scenes.
        """
        rows = features.split(state, self._layout)
        world = self._layout.features
        items = world.entities(rows)
        picks = world.picks(rows, items)
        if self._layout.ways == 1:
            return picks, tf.ones_like(picks[..., 0, :1, :1]), items.attributes
        return picks, world.ways(rows), world.identity(items)
