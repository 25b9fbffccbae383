"""MAML's network with a learned inner loss of videos without actions."""

import tensorflow as tf

from wtl.policies.adapters.gradient import Parameters
from wtl.policies.contextual import context as contexts
from wtl.policies.daml import config as configs
from wtl.policies.daml import video_loss as video_losses
from wtl.policies.maml import network as maml_network


class DamlNetwork(maml_network.MamlNetwork):
    """MAML network whose inner loss is learned."""

    def __init__(self, config: configs.DamlConfig):
        super().__init__(config)
        self._video_loss = video_losses.VideoLoss(config.temporal)

    def inner_losses(
        self, phi: Parameters, demos: contexts.ContextEpisodes
    ) -> tf.Tensor:
        """Return learned losses [B * K] of videos, in which the item is latent.

        With l_i the learned loss of item i and c_i the probability of its choice it is
        -log sum_i c_i exp(-l_i): as in a mixture, each item is weighted by its
        likelihood, already before the adaptation.
        """
        choice = tf.nn.log_softmax(self.choose(phi, demos.state[:, :, 0]))
        hidden = self.hidden(phi, demos.state)
        frames, width = tf.shape(hidden)[2], hidden.shape[-1]
        each = self._video_loss(
            tf.reshape(tf.einsum("bktih->bkith", hidden), (-1, frames, width))
        )
        each = tf.reshape(each, tf.shape(choice))
        return tf.reshape(-tf.reduce_logsumexp(choice - each, axis=-1), (-1,))
