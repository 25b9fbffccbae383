"""MIL's network with another inner loss: of what a video shows."""

import tensorflow as tf

from policies.contextual import context as contexts
from policies.daml import config as configs
from policies.daml import video_loss as video_losses
from policies.maml import network as maml_network
from policies.maml.adaptation import Parameters


class DamlNetwork(maml_network.MamlNetwork):
    """See the module."""

    def __init__(self, config: configs.Config):
        """Creates the parameters that `config` asks for."""
        super().__init__(config)
        self._video_loss = video_losses.VideoLoss(config.temporal)

    def inner_losses(self, phi: Parameters, demos: contexts.Shown) -> tf.Tensor:
        """Learned losses [B * K] of videos: expected over what is acted on in them.

        The gradient raises the probability of those items whose loss is below the
        others', so the loss of an item tells whether it is the one acted on.
        """
        choice = tf.nn.softmax(self.choose(phi, demos.state[:, :, 0]))
        hidden = self.hidden(phi, demos.state)
        frames, width = tf.shape(hidden)[2], hidden.shape[-1]
        each = self._video_loss(
            tf.reshape(tf.einsum("bktih->bkith", hidden), (-1, frames, width))
        )
        each = tf.reshape(each, tf.shape(choice))
        return tf.reshape(tf.reduce_sum(choice * each, axis=-1), (-1,))
