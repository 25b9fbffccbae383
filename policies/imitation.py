"""Training examples and losses of imitation: behaviour cloning given a target."""

from typing import NamedTuple

import tensorflow as tf

from wtl.policies.contextual import context as contexts


class Example(NamedTuple):
    """B training examples: contexts, and a demonstration to imitate in each.

    Attributes:
      context: contexts.
      demo_acted: [B, K] int32 slot acted on in each demonstration of the context.
      trial_acted: [B, L] int32 slot acted on in each trial of the context, or -1.
      target: [B] int32 slot acted on in the demonstration to imitate.
      state: [B, W, S] some of its states.
      action: [B, W, C A] the clean actions taken from there on, a chunk each.
      imitated: the demonstration to imitate as a context episode, K = 1.
      history: [B, W, M + 2, S] the states before these, themselves, and the next ones,
        for policies that adapt to a window of M transitions.
      history_valid: [B, W, M] 1 for transitions of the demonstration, 0 before it.
    """

    context: contexts.Context
    demo_acted: tf.Tensor
    trial_acted: tf.Tensor
    target: tf.Tensor
    state: tf.Tensor
    action: tf.Tensor
    imitated: contexts.ContextEpisodes | None = None
    history: tf.Tensor | None = None
    history_valid: tf.Tensor | None = None


class Losses(NamedTuple):
    """Means over a batch.

    Attributes:
      total: the minimised loss.
      imitation: loss of the head per number of an action, nats of a mixture.
      target: cross-entropy of the target, nats.
      attention: cross-entropy of the entities acted on in context episodes, nats.
      target_accuracy: share of examples whose likeliest target is right.
    """

    total: tf.Tensor
    imitation: tf.Tensor
    target: tf.Tensor
    attention: tf.Tensor
    target_accuracy: tf.Tensor


class CompensatedLosses(NamedTuple):
    """Losses of a policy that compensates its actuators.

    Attributes:
      total, imitation, target: as in `Losses`.
      compensation: squared error of commands.
    """

    total: tf.Tensor
    imitation: tf.Tensor
    target: tf.Tensor
    compensation: tf.Tensor


def losses(
    imitation: tf.Tensor,
    *,
    logits: tf.Tensor,
    target: tf.Tensor,
    attention: tf.Tensor | float,
) -> Losses:
    """Return the losses of actions and of the entity acted on.

    Actions are predicted given the true target, and the target is predicted by itself.
    Its labels are inferred from the demonstrations, not from the simulator.

    Args:
      imitation: losses of some actions, see `wtl.policies.heads.head.Head`.
      logits: [B, I] of the target.
      target: [B] int32.
      attention: cross-entropy of the entities acted on in context episodes.
    """
    imitation = tf.reduce_mean(imitation)
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


def acted_loss(logits: tf.Tensor, acted: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Return the cross-entropy of the items acted on in context episodes, nats.

    The items [B, K] are -1 where unknown; logits are [B, K, I].
    """
    known = mask * tf.cast(acted >= 0, mask.dtype)
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.maximum(acted, 0), logits=logits
    )
    return tf.reduce_sum(known * entropy) / _at_least_one(tf.reduce_sum(known))


def _at_least_one(count: tf.Tensor) -> tf.Tensor:
    """Return a count of a batch to divide by, or its mean over replicas.

    Slices of a batch may hold different counts; the mean over replicas is that of the
    whole batch only if all divide by the same number.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tf.maximum(count, 1)
    whole = context.all_reduce(tf.distribute.ReduceOp.SUM, count)
    return tf.maximum(whole, 1) / context.num_replicas_in_sync
