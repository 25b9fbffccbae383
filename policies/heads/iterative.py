"""Base of heads that ask their actor more than once, given an action and a time."""

import tensorflow as tf

from wtl.policies.legacy_keras import tf_keras


class IterativeHead:
    """Base of heads whose actor is given an action [N, D] and a time [N, 1]."""

    def __init__(self, size: int, components: int):
        del components
        self.inputs, self.outputs = size + 1, size

    def layer(self) -> tf_keras.layers.Layer:
        """See `Head.layer`."""
        return tf_keras.layers.Dense(self.outputs)

    def read(self, values: tf.Tensor) -> tf.Tensor:
        """See `Head.read`."""
        return values
