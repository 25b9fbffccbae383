"""What every policy is trained on, and by what: behaviour cloning given a choice."""

from typing import NamedTuple

import tensorflow as tf

from wtl.policies.contextual import context as contexts
from wtl.policies.heads import mixture_density


class Example(NamedTuple):
    """B training examples: what is shown, and a demonstration to imitate.

    Attributes:
      context: what is shown.
      demo_acted: [B, K] int32 slot acted on in each shown demonstration.
      trial_acted: [B, L] int32 slot acted on in each shown trial, or -1.
      target: [B] int32 slot acted on in the demonstration to imitate.
      state: [B, W, S] some of its states.
      action: [B, W, A] the clean actions taken at them.
      imitated: with an axis of length one, the demonstration to imitate as it would be
        shown.
    """

    context: contexts.Context
    demo_acted: tf.Tensor
    trial_acted: tf.Tensor
    target: tf.Tensor
    state: tf.Tensor
    action: tf.Tensor
    imitated: contexts.Shown | None = None


class Losses(NamedTuple):
    """Means over a batch.

    Attributes:
      total: what is minimised.
      imitation: nats per action dimension.
      target: cross-entropy of the target, nats.
      attention: cross-entropy of the entities acted on in the shown episodes, nats.
      target_accuracy: share of examples whose likeliest target is right.
    """

    total: tf.Tensor
    imitation: tf.Tensor
    target: tf.Tensor
    attention: tf.Tensor
    target_accuracy: tf.Tensor


def losses(
    prediction: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
    action: tf.Tensor,
    log_sigma_floor: tf.Tensor,
    *,
    logits: tf.Tensor,
    target: tf.Tensor,
    attention: tf.Tensor | float,
    together: tf.Tensor | int = 1,
) -> Losses:
    """The likelihood of actions and of the entity acted on, and what goes with them.

    The actions are predicted given the true target, so that at test time the one that
    was chosen is pursued; the choice is learnt beside. The labels of both are read off
    the demonstrations, not from the simulator.

    Args:
      prediction: mixture over N actions, see `wtl.policies.heads.mixture_density`.
      action: [..., A] these actions, N in all.
      log_sigma_floor: of the mixture.
      logits: [B, I] of the choice.
      target: [B] int32 what was to be chosen.
      attention: loss of what was seen in the shown episodes.
      together: so many actions after each other are of one component of the mixture.
    """
    imitation = tf.reduce_mean(cloning(prediction, action, log_sigma_floor, together))
    choice = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logits)
    )
    hits = tf.equal(tf.argmax(logits, axis=-1, output_type=tf.int32), target)
    return Losses(
        total=imitation + choice + attention,
        imitation=imitation,
        target=choice,
        attention=attention,
        target_accuracy=tf.reduce_mean(tf.cast(hits, tf.float32)),
    )


def cloning(
    prediction: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
    action: tf.Tensor,
    log_sigma_floor: tf.Tensor,
    together: tf.Tensor | int = 1,
) -> tf.Tensor:
    """Returns [N / together] nats per action dimension, given as to `losses`."""
    size = action.shape[-1]
    return (
        mixture_density.negative_log_likelihood(
            prediction, tf.reshape(action, (-1, size)), log_sigma_floor, together
        )
        / size
    )


def acted_loss(logits: tf.Tensor, acted: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of what was acted on in shown episodes, nats.

    Args:
      logits: [B, K, I] over what may have been acted on.
      acted: [B, K] int32 what was, or -1.
      mask: [B, K] 1 where there is an episode, else 0.
    """
    known = mask * tf.cast(acted >= 0, mask.dtype)
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.maximum(acted, 0), logits=logits
    )
    return tf.reduce_sum(known * entropy) / _at_least_one(tf.reduce_sum(known))


def _at_least_one(count: tf.Tensor) -> tf.Tensor:
    """A count of a batch to divide by, or its share where several train together.

    Their slices of a batch may hold unlike numbers; the mean of what they divide is
    that of the whole batch only if all divide by the same.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tf.maximum(count, 1)
    whole = context.all_reduce(tf.distribute.ReduceOp.SUM, count)
    return tf.maximum(whole, 1) / context.num_replicas_in_sync
