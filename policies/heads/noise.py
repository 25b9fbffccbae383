"""Noise of training losses.

It is a pure function of the actions of a batch, so that an interrupted training resumes
unchanged.
"""

import tensorflow as tf


def normal(action: tf.Tensor, copies: tf.Tensor | int) -> tf.Tensor:
    """Return standard normal noise [N, D] for actions [N, D]; see `Head.loss`."""
    shape, seed = tf.shape(action) // [copies, 1], _seed(action, 0)
    drawn = tf.random.stateless_normal(shape, seed, dtype=action.dtype)
    return tf.tile(drawn, (copies, 1))


def uniform(action: tf.Tensor, copies: tf.Tensor | int) -> tf.Tensor:
    """Return uniform noise [N, 1] in [0, 1) for actions [N, D]; see `Head.loss`."""
    shape, seed = (tf.shape(action)[0] // copies, 1), _seed(action, 1)
    drawn = tf.random.stateless_uniform(shape, seed, dtype=action.dtype)
    return tf.tile(drawn, (copies, 1))


def _seed(action: tf.Tensor, number: int) -> tf.Tensor:
    bits = tf.bitcast(tf.cast(action, tf.float32), tf.int32)
    return tf.stack([tf.reduce_sum(bits), number])
