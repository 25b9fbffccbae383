"""Targets by entity and way: where there is one way, they are the entities."""

import tensorflow as tf

from wtl.datasets.contract.layout import Layout


def by_way(value: tf.Tensor, layout: Layout) -> tf.Tensor:
    """Return values [..., E] of targets as [..., N, W], by entity and way."""
    kinds = tf.split(value, len(layout.kinds), axis=-1)
    ways = [tf.stack(tf.split(each, layout.ways, axis=-1), axis=-1) for each in kinds]
    return tf.concat(ways, axis=-2)


def joined(value: tf.Tensor, layout: Layout) -> tf.Tensor:
    """Return values [..., N, W] by entity and way as those [..., E] of targets."""
    kinds = tf.split(value, len(layout.kinds), axis=-2)
    ways = [tf.concat(tf.unstack(each, axis=-1), axis=-1) for each in kinds]
    return tf.concat(ways, axis=-1)
