"""Inverse of hidden actuator gains, estimated from a trial.

The gains show only in the motion after each command. The actor needs their inverse,
the command per motion, which is a regression of the trial's commands on its motions.
"""

import tensorflow as tf

_RIDGE = 1e-3  # squared motion; with much less in all the estimate stays at 1


def inverse_gains(action: tf.Tensor, motion: tf.Tensor) -> tf.Tensor:
    """Return commands per motion [N, A], by ridge regression towards nominal gains, 1.

    Args:
      action: [N, T, A] commands.
      motion: [N, T, A] motions after them, in the same units.
    """
    along = tf.reduce_sum(action * motion, axis=1)
    size = tf.reduce_sum(motion**2, axis=1)
    return (along + _RIDGE) / (size + _RIDGE)
