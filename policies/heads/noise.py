"""Noise of training losses.

It is a pure function of the actions of a batch, so that an interrupted training resumes
unchanged.
"""

import tensorflow as tf


def normal(action: tf.Tensor) -> tf.Tensor:
    """Return standard normal noise [N, D] for actions [N, D]."""
    seed = _seed(action, 0)
    return tf.random.stateless_normal(tf.shape(action), seed, dtype=action.dtype)


def uniform(action: tf.Tensor) -> tf.Tensor:
    """Return uniform noise [N, 1] in [0, 1) for actions [N, D]."""
    shape = (tf.shape(action)[0], 1)
    return tf.random.stateless_uniform(shape, _seed(action, 1), dtype=action.dtype)


def _seed(action: tf.Tensor, number: int) -> tf.Tensor:
    bits = tf.bitcast(tf.cast(action, tf.float32), tf.int32)
    return tf.stack([tf.reduce_sum(bits), number])
