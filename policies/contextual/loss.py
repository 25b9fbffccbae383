"""The training loss of contextual policies."""

from typing import NamedTuple

import tensorflow as tf

from policies.contextual import context as contexts
from policies.contextual import network as networks
from policies.heads import mixture_density


class Example(NamedTuple):
    """B training examples: what is shown, and a demonstration to imitate.

    Attributes:
      context: what is shown.
      demo_acted: [B, K] int32 slot acted on in each shown demonstration.
      trial_acted: [B, L] int32 slot acted on in each shown trial, or -1.
      target: [B] int32 slot acted on in the demonstration to imitate.
      state: [B, W, S] some of its states.
      action: [B, W, A] the clean actions taken at them.
    """

    context: contexts.Context
    demo_acted: tf.Tensor
    trial_acted: tf.Tensor
    target: tf.Tensor
    state: tf.Tensor
    action: tf.Tensor


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


def _attention_loss(logits, acted, mask):
    if logits is None:
        return 0.0
    known = mask * tf.cast(acted >= 0, tf.float32)
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.maximum(acted, 0), logits=logits
    )
    return tf.reduce_sum(known * entropy) / tf.maximum(tf.reduce_sum(known), 1)


def loss(
    network: networks.ContextualNetwork, example: Example, log_sigma_floor: tf.Tensor
) -> Losses:
    """Behaviour cloning of the demonstration, given its target.

    The actor is taught with the true target, so that at test time it pursues the one
    that was chosen; the choice is learnt beside it. The labels of both are read off
    the demonstrations (`datasets.acted`), not from the simulator.
    """
    encoding = network.encode(example.context)
    batch, window = tf.unstack(tf.shape(example.state)[:2])

    def per_step(value):
        # Not `tf.repeat`: its gradient is a scatter, a third of the time of a step.
        width = value.shape[-1]
        repeated = tf.broadcast_to(value[:, None], (batch, window, width))
        return tf.reshape(repeated, (batch * window, width))

    target = tf.one_hot(example.target, network.config.entities)
    prediction = network.act(
        tf.reshape(example.state, (batch * window, network.layout.state_size)),
        per_step(encoding.embedding),
        per_step(target),
    )
    imitation = (
        tf.reduce_mean(
            mixture_density.negative_log_likelihood(
                prediction,
                tf.reshape(example.action, (-1, network.config.action_size)),
                log_sigma_floor,
            )
        )
        / network.config.action_size
    )
    choice = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=example.target, logits=encoding.target_logits
        )
    )
    attention = _attention_loss(
        encoding.demo_logits, example.demo_acted, example.context.demos.mask
    ) + _attention_loss(
        encoding.trial_logits, example.trial_acted, example.context.trials.mask
    )
    hits = tf.equal(
        tf.argmax(encoding.target_logits, axis=-1, output_type=tf.int32),
        example.target,
    )
    return Losses(
        total=imitation + choice + attention,
        imitation=imitation,
        target=choice,
        attention=attention,
        target_accuracy=tf.reduce_mean(tf.cast(hits, tf.float32)),
    )
