"""The training loss of contextual policies."""

import tensorflow as tf

from policies import imitation, interface
from policies.contextual import network as networks


def loss(
    network: networks.ContextualNetwork,
    example: imitation.Example,
    log_sigma_floor: tf.Tensor,
) -> imitation.Losses:
    """Behaviour cloning of the demonstration, given its target; see `losses`."""
    encoding = network.encode(example.context)
    batch, window = tf.unstack(tf.shape(example.state)[:2])

    def per_step(value):
        # Not `tf.repeat`: its gradient is a scatter, a third of the time of a step.
        width = value.shape[-1]
        repeated = tf.broadcast_to(value[:, None], (batch, window, width))
        return tf.reshape(repeated, (batch * window, width))

    config = network.config
    if config.commits:
        target = tf.one_hot(example.target, config.entities)
    else:
        target = network.pursued(encoding.target_logits)
    prediction = network.act(
        tf.reshape(example.state, (batch * window, network.layout.state_size)),
        per_step(encoding.embedding),
        per_step(target),
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
        prediction,
        example.action,
        log_sigma_floor,
        logits=encoding.target_logits,
        target=example.target,
        attention=tf.convert_to_tensor(attention, tf.float32),
    )
