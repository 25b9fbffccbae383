"""Network of TecNets: embeddings of demonstrations on the unit sphere, and control."""

import tensorflow as tf

from wtl.policies.contextual import context as contexts
from wtl.policies.contextual import network as contextual
from wtl.policies.encoders import episode


class TecnetNetwork(contextual.ContextualNetwork):
    """Contextual network whose embedding is a TecNet's sentence.

    The sentence of a task is the normalised mean of the embeddings of its
    demonstrations, which have unit length.
    """

    def encode(self, context: contexts.Context) -> contextual.Encoding:
        """Encode B contexts; `embedding` is the sentence."""
        encoding = super().encode(context)
        return encoding._replace(
            embedding=tf.math.l2_normalize(encoding.embedding, axis=-1)
        )

    def _encode_each(
        self, encoder, shown: contexts.ContextEpisodes
    ) -> episode.EpisodeCode:
        code = super()._encode_each(encoder, shown)
        return code._replace(embedding=tf.math.l2_normalize(code.embedding, axis=-1))

    def embed(self, demos: contexts.ContextEpisodes) -> tf.Tensor:
        """Return the embeddings [B, K, Z] of demonstrations, of unit length."""
        return self._encode_each(self._demo_encoder, demos).embedding
