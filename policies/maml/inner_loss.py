"""What a policy descends on a demonstration whose actions are known."""

import tensorflow as tf

from wtl.policies.heads import mixture_density

# The step must tell entities and families apart, not fit the last digit: a smaller
# sigma would make its gradient as large as its inverse square.
_LOG_SIGMA_FLOOR = -1.0


def imitation(
    prediction: tuple[tf.Tensor, tf.Tensor, tf.Tensor], action: tf.Tensor
) -> tf.Tensor:
    """Behaviour cloning as in MIL, by likelihood of a mixture, not squared error.

    Args:
      prediction: mixture over actions, see `heads.mixture_density`, with axes
        [N, T, M].
      action: [N, T, A] actions.

    Returns:
      [N] nats, means over time.
    """
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
