"""Noise of training losses.

It is a pure function of the actions of a batch, so that an interrupted training resumes
unchanged.
"""

import tensorflow as tf


def normal(action: tf.Tensor) -> tf.Tensor:
    """Return standard normal noise [N, D] for actions [N, D]."""
    return tf.random.stateless_normal(tf.shape(action), _seed(action, 0))


def uniform(action: tf.Tensor) -> tf.Tensor:
    """Return uniform noise [N, 1] in [0, 1) for actions [N, D]."""
    return tf.random.stateless_uniform((tf.shape(action)[0], 1), _seed(action, 1))


def _seed(action: tf.Tensor, number: int) -> tf.Tensor:
    bits = tf.bitcast(tf.convert_to_tensor(action, tf.float32), tf.int32)
    return tf.stack([tf.reduce_sum(bits), number])
