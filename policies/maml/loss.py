"""Outer loss of policies that adapt by gradient."""

import tensorflow as tf

from wtl.policies import axes, imitation
from wtl.policies.maml import network as networks


def loss(
    network: networks.MamlNetwork,
    example: imitation.Example,
    log_sigma_floor: tf.Tensor,
) -> imitation.Losses:
    """Return MIL's meta-objective: cloning of another demonstration after adaptation.

    The entities acted on in the given demonstrations are predicted too. A flat network
    has no choice to predict, and its loss is MIL's own.
    """
    phi = network.encode(example.context)
    demos = example.context.demos
    last = network.config.items - 1
    # A flat network has one item, whatever the target.
    target = tf.minimum(example.target, last)
    acted = tf.minimum(example.demo_acted, last)
    actor = network.act(
        phi,
        example.state,
        tf.one_hot(target, network.config.items, dtype=network.dtype),
    )
    return imitation.losses(
        network.head.loss(actor, axes.merge(example.action), log_sigma_floor),
        logits=network.choose(phi, example.context.state),
        target=target,
        attention=imitation.acted_loss(
            network.choose(phi, demos.state[:, :, 0]), acted, demos.mask
        ),
    )
