"""The training loss of policies given rows: the row acted on is a latent variable."""

from typing import NamedTuple

import tensorflow as tf

from wtl.policies import axes, imitation
from wtl.policies.contextual import row_network as networks


class Losses(NamedTuple):
    """Means over a batch.

    Attributes:
      total: the minimised loss.
      imitation: nats per action dimension.
      target: cross-entropy of the chosen row, nats.
      certainty: greatest share of a row in the explanation of a demonstration.
      next_frame: Huber loss of the next frames, 0 if it has no weight.
    """

    total: tf.Tensor
    imitation: tf.Tensor
    target: tf.Tensor
    certainty: tf.Tensor
    next_frame: tf.Tensor


def loss(
    network: networks.RowNetwork,
    example: imitation.Example,
    log_sigma_floor: tf.Tensor,
) -> Losses:
    """Return the losses of cloning a demonstration, and of choosing its row.

    No label says which row a demonstration acts on. Rows explain it in the shares of
    expectation maximisation (Dempster et al. 1977), by the likelihood of all actions of
    the window given a row, and by the change of the row until the end. With less than
    all actions, shares of a first guess grow by themselves before the actor can tell
    rows apart.
    """
    encoding = network.encode(example.context)
    nats = _nats(network, encoding.embedding, example, log_sigma_floor)
    first, last = example.imitated.state[:, 0, 0], example.imitated.state[:, 0, -1]
    log_choice = tf.nn.log_softmax(encoding.target_logits)
    window = tf.cast(tf.shape(example.state)[1], tf.float32)
    explained = log_choice + network.change(first, last) - window * nats
    shares = tf.stop_gradient(tf.nn.softmax(explained))
    each = nats / network.config.action_size
    imitated = tf.reduce_mean(tf.reduce_sum(shares * each, axis=-1))
    chosen = -tf.reduce_mean(tf.reduce_sum(shares * log_choice, axis=-1))
    weight = network.config.next_frame
    following = tf.constant(0.0)
    if weight:
        following = network.next_frame_loss(encoding.embedding, example.imitated)
    return Losses(
        total=imitated + chosen + weight * following,
        imitation=imitated,
        target=chosen,
        certainty=tf.reduce_mean(tf.reduce_max(shares, axis=-1)),
        next_frame=following,
    )


def _nats(
    network: networks.RowNetwork,
    embedding: tf.Tensor,
    example: imitation.Example,
    log_sigma_floor: tf.Tensor,
) -> tf.Tensor:
    """Return [B, E] nats per action, given each row of the scene."""
    skills = axes.split(
        network.skills(axes.merge(example.state)), example.state[..., 0]
    )
    skills = tf.transpose(skills, (2, 0, 1, 3))
    rows, batch, window = tf.unstack(tf.shape(skills)[:3])
    embedding = embedding[:, None] + tf.zeros_like(skills[..., :1])
    action = example.action + tf.zeros_like(skills[..., :1])
    nats = network.config.action_size * network.head.loss(
        network.decide(*(_flat(value) for value in (skills, embedding))),
        _flat(action),
        log_sigma_floor,
        together=window if network.config.keeps_component else 1,
        copies=rows,
    )
    nats = tf.reduce_mean(tf.reshape(nats, (rows, batch, -1)), axis=-1)
    return tf.transpose(nats)


def _flat(values: tf.Tensor) -> tf.Tensor:
    return tf.reshape(values, (-1, values.shape[-1]))
