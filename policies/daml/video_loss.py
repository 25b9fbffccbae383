"""Learned loss of a video without actions."""

import tensorflow as tf

from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers

_WIDTH = 32
_LENGTH = 5  # frames of a convolution


class VideoLoss(layers.Layer):
    """L_psi = |psi(h)|^2 of features over time: DAML's temporal adaptation objective.

    psi is meta-learned so that a gradient step on this loss improves the imitation of
    the robot's demonstration. Of single frames it is MIL's learned loss for videos
    without actions, and the linear loss in DAML's comparison.
    """

    def __init__(self, temporal: bool):
        super().__init__(name="video_loss")
        self._hidden = []
        if temporal:
            self._hidden = [
                layers.Conv1D(_WIDTH, _LENGTH, padding="same", activation="relu")
                for _ in range(2)
            ]
        self._out = layers.Dense(_WIDTH)

    def call(self, hidden: tf.Tensor) -> tf.Tensor:
        """Return losses [N], means over time, of features [N, T, H]."""
        for layer in self._hidden:
            hidden = layer(hidden)
        return tf.reduce_mean(tf.reduce_sum(self._out(hidden) ** 2, axis=-1), axis=1)
