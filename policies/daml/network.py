"""MIL's network with another inner loss: of what a video shows."""

import tensorflow as tf

from wtl.policies.contextual import context as contexts
from wtl.policies.daml import config as configs
from wtl.policies.daml import video_loss as video_losses
from wtl.policies.maml import network as maml_network
from wtl.policies.maml.adaptation import Parameters


class DamlNetwork(maml_network.MamlNetwork):
    """See the module."""

    def __init__(self, config: configs.DamlConfig):
        """Creates the parameters that `config` asks for."""
        super().__init__(config)
        self._video_loss = video_losses.VideoLoss(config.temporal)

    def inner_losses(self, phi: Parameters, demos: contexts.Shown) -> tf.Tensor:
        """Learned losses [B * K] of videos, in which what is acted on is latent.

        With l_i the learned loss of item i and c_i the probability of its choice it is
        -log sum_i c_i exp(-l_i): as in a mixture, each item counts by how well it
        explains the video, already before anything is adapted.
        """
        choice = tf.nn.log_softmax(self.choose(phi, demos.state[:, :, 0]))
        hidden = self.hidden(phi, demos.state)
        frames, width = tf.shape(hidden)[2], hidden.shape[-1]
        each = self._video_loss(
            tf.reshape(tf.einsum("bktih->bkith", hidden), (-1, frames, width))
        )
        each = tf.reshape(each, tf.shape(choice))
        return tf.reshape(-tf.reduce_logsumexp(choice - each, axis=-1), (-1,))
