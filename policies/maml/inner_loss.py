"""What a policy descends on a demonstration."""

from typing import Protocol

import tensorflow as tf

from policies.heads import mixture_density
from policies.legacy_keras import tf_keras

# The step must tell entities and families apart, not fit the last digit: a smaller
# sigma would make its gradient as large as its inverse square.
_LOG_SIGMA_FLOOR = -1.0
_LEARNED_WIDTH = 32


class InnerLoss(Protocol):
    """A loss of demonstrations; its own variables are meta-learned, never adapted."""

    def __call__(
        self,
        hidden: tf.Tensor,
        prediction: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
        action: tf.Tensor | None,
    ) -> tf.Tensor:
        """Returns the loss [N] of each demonstration.

        Args:
          hidden: [N, T, H] features over time: last layer of the actor, mean over
            what it chooses among.
          prediction: mixture over actions, see `policies.heads.mixture_density`, with
            axes [N, T, M].
          action: [N, T, A] actions, or None where the demonstration carries none.
        """


class Imitation(tf_keras.layers.Layer):
    """Behaviour cloning as in MIL, by likelihood of a mixture, not squared error."""

    def call(self, hidden, prediction, action):
        """See `InnerLoss`; nats, the mean over time.

        Raises:
          ValueError: if the demonstration carries no actions.
        """
        if action is None:
            raise ValueError("a demonstration without actions can't be imitated")
        # At the last state no action was taken any more.
        used = tuple(value[:, :-1] for value in prediction)
        count, frames = tf.unstack(tf.shape(action)[:2])
        nll = mixture_density.negative_log_likelihood(
            tuple(
                tf.reshape(value, tf.concat([[-1], tf.shape(value)[2:]], 0))
                for value in used
            ),
            tf.reshape(action[:, :-1], (-1, action.shape[-1])),
            _LOG_SIGMA_FLOOR,
        )
        return tf.reduce_mean(tf.reshape(nll, (count, frames - 1)), axis=1)


class Learned(tf_keras.layers.Layer):
    """The learned loss of MIL for demonstrations without actions: |W h + b|^2."""

    def __init__(self, **kwargs):
        """Creates W and b."""
        super().__init__(**kwargs)
        self._linear = tf_keras.layers.Dense(_LEARNED_WIDTH)

    def call(self, hidden, prediction, action):
        """See `InnerLoss`; what was predicted and done is not looked at."""
        del prediction, action
        return tf.reduce_mean(tf.reduce_sum(self._linear(hidden) ** 2, -1), axis=1)


INNER_LOSSES: dict[str, type] = {"imitation": Imitation, "learned": Learned}
