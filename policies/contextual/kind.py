"""Network and loss of contextual policies, by the encoder of their configuration."""

import tensorflow as tf

from wtl.policies import imitation
from wtl.policies.contextual import loss as losses
from wtl.policies.contextual import row_loss
from wtl.policies.contextual.config import ROWS, ContextualConfig
from wtl.policies.contextual.network import ContextualNetwork
from wtl.policies.contextual.row_network import RowNetwork


def network(config: ContextualConfig) -> ContextualNetwork:
    """Return a new network."""
    kind = RowNetwork if config.encoder == ROWS else ContextualNetwork
    return kind(config)


def loss(
    network: ContextualNetwork, example: imitation.Example, log_sigma_floor: tf.Tensor
):
    """Return the losses of a network by name, `total` among them."""
    of_kind = row_loss.loss if network.config.encoder == ROWS else losses.loss
    return of_kind(network, example, log_sigma_floor)
