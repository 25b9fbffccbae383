"""The outer loss of policies that adapt by gradient."""

from typing import NamedTuple

import tensorflow as tf

from policies.contextual.loss import Example
from policies.heads import mixture_density
from policies.maml import network as networks


class Losses(NamedTuple):
    """Means over a batch.

    Attributes:
      total: what is minimised.
      imitation: nats per action dimension.
      target: cross-entropy of the target, nats.
      attention: cross-entropy of the entities acted on in the shown demonstrations,
        after adaptation to them, nats.
      target_accuracy: share of examples whose likeliest target is right.
    """

    total: tf.Tensor
    imitation: tf.Tensor
    target: tf.Tensor
    attention: tf.Tensor
    target_accuracy: tf.Tensor


def loss(
    network: networks.MamlNetwork, example: Example, log_sigma_floor: tf.Tensor
) -> Losses:
    """MIL's meta-objective: behaviour cloning of another demonstration once adapted.

    It is the likelihood of the actions and of the entity acted on, which is read off
    the demonstrations (`datasets.acted`) as for the contextual policies, and here too
    asked for in the shown ones. A flat network has no choice, and this is the loss of
    MIL as it stands.
    """
    phi = network.encode(example.context)
    demos = example.context.demos
    last = network.config.items - 1
    # The one item of a flat network is right whatever the target.
    label = tf.minimum(example.target, last)
    acted = tf.minimum(example.demo_acted, last)
    logits = network.choose(phi, example.context.state)
    prediction = network.act(
        phi,
        example.state,
        tf.one_hot(label, network.config.items, dtype=network.dtype),
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
    target = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits)
    )
    attention = tf.reduce_sum(
        demos.mask
        * tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=acted, logits=network.choose(phi, demos.state[:, :, 0])
        )
    ) / tf.reduce_sum(demos.mask)
    hits = tf.equal(tf.argmax(logits, axis=-1, output_type=tf.int32), label)
    return Losses(
        total=imitation + target + attention,
        imitation=imitation,
        target=target,
        attention=attention,
        target_accuracy=tf.reduce_mean(tf.cast(hits, tf.float32)),
    )
