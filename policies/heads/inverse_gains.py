"""How to command motors whose gains nobody knows, read off a trial.

The gains show in what moved after each command, and in nothing else. What the actor
needs is their inverse, the command per motion wanted, and that is a regression of the
trial's commands on its motions. Networks taught by the likelihood of actions, or by
this very error, fell far short of it (`docs/results`).
"""

import tensorflow as tf

_RIDGE = 1e-3  # squared motion; less than this in all and a motor is taken for sound


def inverse_gains(action: tf.Tensor, motion: tf.Tensor) -> tf.Tensor:
    """Commands per motion [N, A], by ridge regression towards the 1 of sound motors.

    Args:
      action: [N, T, A] what was commanded.
      motion: [N, T, A] what moved then, in the same units.
    """
    along = tf.reduce_sum(action * motion, axis=1)
    size = tf.reduce_sum(motion**2, axis=1)
    return (along + _RIDGE) / (size + _RIDGE)
