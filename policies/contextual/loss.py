"""The training loss of contextual policies."""

import tensorflow as tf

from policies import imitation
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

    target = tf.one_hot(example.target, network.config.entities)
    prediction = network.act(
        tf.reshape(example.state, (batch * window, network.layout.state_size)),
        per_step(encoding.embedding),
        per_step(target),
    )
    attention = sum(
        imitation.acted_loss(logits, acted, shown.mask)
        for logits, acted, shown in (
            (encoding.demo_logits, example.demo_acted, example.context.demos),
            (encoding.trial_logits, example.trial_acted, example.context.trials),
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
        together=window if network.config.commits else 1,
    )
