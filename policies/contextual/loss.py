"""The training loss of contextual policies."""

import tensorflow as tf

from wtl.policies import axes, imitation, interface
from wtl.policies.contextual import network as networks
from wtl.policies.heads import head as heads


def loss(
    network: networks.ContextualNetwork,
    example: imitation.Example,
    log_sigma_floor: tf.Tensor,
    encoding: networks.Encoding | None = None,
) -> imitation.Losses:
    """Return the losses of cloning a demonstration, given its target and context."""
    encoding = encoding or network.encode(example.context)
    config = network.config
    if config.chooses_target:
        target = tf.one_hot(example.target, config.entities)
    else:
        target = network.pursued(encoding.target_logits)
    window = tf.shape(example.state)[1]
    actor = act(
        network,
        encoding.embedding,
        example.state,
        # Not `tf.repeat`: its gradient is a scatter.
        tf.tile(target[:, None], (1, window, 1)),
    )
    demos = (example.demo_acted, example.context.demos.mask)
    trials = (example.trial_acted, example.context.trials.mask)
    if config.trials_from == interface.DEMO:
        trials = demos
    attention = sum(
        imitation.acted_loss(logits, *acted)
        for logits, acted in (
            (encoding.demo_logits, demos),
            (encoding.trial_logits, trials),
        )
        if logits is not None
    )
    return imitation.losses(
        network.head.loss(
            actor,
            axes.merge(example.action),
            log_sigma_floor,
            together=window if config.keeps_component else 1,
        ),
        logits=encoding.target_logits,
        target=example.target,
        attention=tf.convert_to_tensor(attention, tf.float32),
    )


def act(
    network: networks.ContextualNetwork,
    embedding: tf.Tensor,
    state: tf.Tensor,
    target: tf.Tensor,
) -> heads.Actor:
    """Return the actor at B * W states of B episodes.

    Args:
      network: the network.
      embedding: [B, Z'] see `Encoding`.
      state: [B, W, S] states.
      target: [B, W, E] targets at each, see `ContextualNetwork.pursued`.
    """
    batch, window = tf.unstack(tf.shape(state)[:2])
    width = embedding.shape[-1]
    # The same as above: with `tf.repeat`, a third of the time of a step.
    each = tf.broadcast_to(embedding[:, None], (batch, window, width))
    return network.act(
        tf.reshape(state, (batch * window, network.layout.state_size)),
        tf.reshape(each, (batch * window, width)),
        tf.reshape(target, (batch * window, network.config.entities)),
    )
