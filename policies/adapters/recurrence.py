"""Adaptation by recurrence: a recurrent state that processes transitions in order."""

import tensorflow as tf

from wtl.policies.legacy_keras import tf_keras


class Recurrence(tf_keras.layers.Layer):
    """Gated recurrent unit over the steps of a window.

    The update of ReBAL, a recurrent network (Nagabandi et al. 2019, section 4.2), with
    a GRU (Cho et al. 2014). Its state begins at zero in each window, as in training.

    Attributes:
      units: Z, the length of the state.
    """

    def __init__(self, units: int):
        super().__init__(name="recurrence")
        self.units = units
        self._cell = tf_keras.layers.GRUCell(units)

    def call(self, steps: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
        """Return the states [B, Z] after steps [B, T, D], of which valid [B, T] count.

        Without a valid step the state is zero.
        """
        state = tf.zeros((tf.shape(steps)[0], self.units), steps.dtype)
        # Unrolled: a loop of TensorFlow takes several times as long on a CPU.
        for step, counts in zip(
            tf.unstack(steps, axis=1), tf.unstack(valid, axis=1), strict=True
        ):
            following, _ = self._cell(step, [state])
            state = tf.where(counts[:, None] > 0, following, state)
        return state
