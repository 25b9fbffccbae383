"""The learned loss of a video: there are no actions to be compared with."""

import tensorflow as tf

from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers

_WIDTH = 32
_LENGTH = 5  # frames that a convolution looks at


class VideoLoss(layers.Layer):
    """L_psi = |psi(h)|^2 of features over time: DAML's temporal adaptation objective.

    Of single frames it is the learned loss of MIL for videos without actions, and the
    linear loss in DAML's comparison.

    What it is worth is its gradient: psi is meta-learned so that a step down this loss
    improves the imitation of the robot's demonstration.
    """

    def __init__(self, temporal: bool):
        """Creates psi: convolutions over time, or one linear map of each frame."""
        super().__init__(name="video_loss")
        self._hidden = []
        if temporal:
            self._hidden = [
                layers.Conv1D(_WIDTH, _LENGTH, padding="same", activation="relu")
                for _ in range(2)
            ]
        self._out = layers.Dense(_WIDTH)

    def call(self, hidden: tf.Tensor) -> tf.Tensor:
        """Returns [N] losses, means over time.

        Args:
          hidden: [N, T, H] features over time.
        """
        for layer in self._hidden:
            hidden = layer(hidden)
        return tf.reduce_mean(tf.reduce_sum(self._out(hidden) ** 2, axis=-1), axis=1)
