"""Stand-in for a network, where nothing is learnt."""

import tensorflow as tf

from wtl.policies.contextual.context import Context
from wtl.policies.heads.density import MeanHead
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.replay.config import ReplayConfig


class ReplayNetwork(tf_keras.Model):
    """Chooses the demonstration whose first state is nearest to that of the scene."""

    def __init__(self, config: ReplayConfig):
        super().__init__(name="replay")
        self.config = config
        self.layout = config.layout
        self.head = MeanHead(config.action_size, 1)

    def encode(self, context: Context) -> tuple[tf.Tensor, tf.Tensor]:
        """Return states [B, T, S] and actions [B, T, A] of a demonstration each."""
        demos = context.demos
        distance = tf.norm(demos.state[:, :, 0] - context.state[:, None], axis=-1)
        chosen = tf.argmin(
            tf.where(demos.mask > 0, distance, distance.dtype.max), axis=1
        )
        return tuple(
            tf.gather(part, chosen, axis=1, batch_dims=1)
            for part in (demos.state, demos.action)
        )
