"""Learns from a trial how to command motors whose gains nobody knows.

The gains show in what moved after each command, and in nothing else. What is estimated
is their inverse, the command per motion wanted: what it makes of the motions of the
trial must be the trial's own commands, so that no label is needed from the simulator.
"""

import tensorflow as tf

from policies.legacy_keras import tf_keras

layers = tf_keras.layers


class MotorHead(layers.Layer):
    """Estimates inverse gains; treats all dimensions of the action alike."""

    def __init__(self):
        """Creates the head."""
        super().__init__(name="motors")
        self._step = [layers.Dense(32, "relu"), layers.Dense(32, "relu")]
        self._out = [layers.Dense(32, "relu"), layers.Dense(1)]

    def call(self, action: tf.Tensor, motion: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Estimates how commands go with motions.

        Args:
          action: [N, T, A] what was commanded.
          motion: [N, T, A] what moved then, in the same units.

        Returns:
          [N, A] commands per motion, and [N] the mean squared error of the commands
          that it makes of the motions.
        """
        hidden = tf.stack([action, motion, action * motion, motion**2], axis=-1)
        for layer in self._step:
            hidden = layer(hidden)
        hidden = tf.reduce_mean(hidden, axis=1)
        for layer in self._out:
            hidden = layer(hidden)
        inverse = hidden[..., 0]
        error = action - inverse[:, None] * motion
        return inverse, tf.reduce_mean(error**2, axis=(1, 2))
