"""Training loss of task-embedded control networks."""

from typing import NamedTuple

import tensorflow as tf

from wtl.policies import imitation
from wtl.policies.contextual import loss as contextual_loss
from wtl.policies.tecnet import network as networks


class Losses(NamedTuple):
    """Means over a batch.

    Attributes:
      total: the minimised loss.
      imitation, target, attention, target_accuracy: of the query, see
        `wtl.policies.imitation.Losses`.
      support: cloning of the support, nats per action dimension.
      embedding: hinge loss of the embedding, cosines.
      closest: share of queries more like their own sentence than like any other.
    """

    total: tf.Tensor
    imitation: tf.Tensor
    target: tf.Tensor
    attention: tf.Tensor
    target_accuracy: tf.Tensor
    support: tf.Tensor
    embedding: tf.Tensor
    closest: tf.Tensor


def loss(
    network: networks.TecnetNetwork,
    example: imitation.Example,
    log_sigma_floor: tf.Tensor,
) -> Losses:
    """Return the losses of cloning support and query, and of the embedding.

    An example is one task: the given demonstrations are its support, the one to imitate
    is its query. The other examples of the batch are the other tasks.
    """
    config = network.config
    encoding = network.encode(example.context)
    query = contextual_loss.loss(network, example, log_sigma_floor, encoding)
    support = _support_loss(network, encoding.embedding, example, log_sigma_floor)
    cosines = tf.matmul(
        network.embed(example.imitated)[:, 0], encoding.embedding, transpose_b=True
    )
    embedding = margin_loss(cosines, config.margin)
    closest = tf.equal(
        tf.argmax(cosines, axis=1, output_type=tf.int32),
        tf.range(tf.shape(cosines)[0]),
    )
    return Losses(
        **query._asdict()
        | {
            "total": config.embedding_weight * embedding
            + config.query_weight * query.total
            + config.support_weight * support
        },
        support=support,
        embedding=embedding,
        closest=tf.reduce_mean(tf.cast(closest, tf.float32)),
    )


def margin_loss(cosines: tf.Tensor, margin: float) -> tf.Tensor:
    """Return the mean hinge of each query's own sentence against every other.

    Rows of the cosines [B, B] are queries, columns are sentences; the diagonal shall
    exceed the rest of its row by the margin.
    """
    own = tf.linalg.diag_part(cosines)[:, None]
    hinge = tf.nn.relu(margin - own + cosines)
    others = 1 - tf.eye(tf.shape(cosines)[0])
    return tf.reduce_sum(others * hinge) / tf.maximum(tf.reduce_sum(others), 1)


def _support_loss(
    network: networks.TecnetNetwork,
    sentence: tf.Tensor,
    example: imitation.Example,
    log_sigma_floor: tf.Tensor,
) -> tf.Tensor:
    """Return the loss of cloning the support, nats per action dimension."""
    demos = example.context.demos
    # No action was taken at the last state.
    state, action = demos.state[:, :, :-1], demos.action[:, :, :-1]
    batch, count, frames, _ = tf.unstack(tf.shape(state))
    each = network.head.loss(
        contextual_loss.act(
            network,
            sentence,
            tf.reshape(state, (-1, count * frames, network.layout.state_size)),
            tf.one_hot(
                tf.repeat(example.demo_acted, frames, axis=1), network.config.entities
            ),
        ),
        tf.reshape(action, (-1, action.shape[-1])),
        log_sigma_floor,
        together=frames if network.config.keeps_component else 1,
    )
    each = tf.reduce_mean(tf.reshape(each, (batch, count, -1)), axis=-1)
    return tf.reduce_sum(demos.mask * each) / tf.maximum(tf.reduce_sum(demos.mask), 1)
