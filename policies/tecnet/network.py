"""The network: embeddings of demonstrations on the unit sphere, and control by them."""

import tensorflow as tf

from wtl.policies.contextual import context as contexts
from wtl.policies.contextual import network as contextual
from wtl.policies.encoders import episode


class TecnetNetwork(contextual.ContextualNetwork):
    """A contextual network whose embedding is a TecNet's sentence.

    The sentence of a task is the mean of its demonstrations' embeddings, which have
    unit length, brought to unit length again.
    """

    def encode(self, context: contexts.Context) -> contextual.Encoding:
        """Encodes B contexts; `embedding` is the sentence."""
        encoding = super().encode(context)
        return encoding._replace(
            embedding=tf.math.l2_normalize(encoding.embedding, axis=-1)
        )

    def _encode_each(self, encoder, shown: contexts.Shown) -> episode.EpisodeCode:
        code = super()._encode_each(encoder, shown)
        return code._replace(embedding=tf.math.l2_normalize(code.embedding, axis=-1))

    def embed(self, demos: contexts.Shown) -> tf.Tensor:
        """Embeds demonstrations each for itself: [B, K, Z] of unit length."""
        return self._encode_each(self._demo_encoder, demos).embedding
