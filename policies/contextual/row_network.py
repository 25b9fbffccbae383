"""Network given rows of observations: it attends to them, chooses one, and acts."""

import numpy as np
import tensorflow as tf

from wtl.datasets.reading.store import EpisodeStore
from wtl.policies.contextual import context as contexts
from wtl.policies.contextual import network as contextual
from wtl.policies.encoders import rows as encoders
from wtl.policies.encoders.gated import Gated
from wtl.policies.encoders.multi_scale import MultiScale
from wtl.policies.encoders.next_frame import NextFrame
from wtl.policies.encoders.transformer import Transformer
from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers

_BLOCKS = 3
_SKILL = 64  # units that read a row and the rest of the observation
_RELATIVE = 2.0  # nats by which a relative change of one deviation explains more
_STILL = 0.3  # added to the deviation of changes, some of which are noise alone


class RowNetwork(contextual.ContextualNetwork):
    """Contextual network that is given rows of observations, and nothing of entities.

    Tokens of context episodes and of the scene attend to each other in one transformer.
    A row of the scene is chosen by their logits, once per episode; the actor reads this
    row, the rest of the observation, and a summary of the context episodes. It does not
    read the other rows, so that the choice decides.
    """

    def _create_encoder(self):
        config, width = self.config, self.config.embedding
        self._rows = encoders.Rows(self.layout)
        self._row = encoders.RowTokens(self.layout, width)
        self._scene = encoders.SceneTokens(self.layout, width)
        self._episodes = {
            role: encoders.EpisodeTokens(self.layout, width, role)
            for role in ("demos", "trials")
            if getattr(config, role)
        }
        self._summary = self.add_weight("summary", (1, 1, width))
        self._transformer = Transformer(width, _BLOCKS)
        self._logits = [layers.Dense(width, "relu"), layers.Dense(1)]
        self._skills = {
            name: MultiScale(_SKILL, 2 * _SKILL) for name in encoders.sets(self.layout)
        }
        if config.next_frame:
            self._next_frame = NextFrame(2 * _SKILL)

    def _actor_layer(self, units: int) -> layers.Layer:
        return Gated(units)

    def scale(self, episodes: EpisodeStore):
        """Set the scale of inputs to that of episodes, before training."""
        # The store repeats the last state of shorter episodes.
        is_state = np.arange(episodes.state.shape[1]) < episodes.length[:, None]
        self._rows.adapt(episodes.state[is_state])

    @property
    def encoded_size(self) -> int:
        """See the base class."""
        return super().encoded_size if self.config.oracle else self.config.embedding

    def encode(self, context: contexts.Context) -> contextual.Encoding:
        """Encode B contexts; nothing else reads them."""
        if self.config.oracle:
            return self._encode_privileged(context.privileged)
        context = contexts.given(context, self.config)
        entities = self.config.entities
        scene = self._rows(context.state)
        tokens = [self._row(scene)[:, None] + self._scene(scene)[:, None]]
        masks = [tf.ones_like(context.state[:, :1])]
        for role, encoder in self._episodes.items():
            episodes: contexts.ContextEpisodes = getattr(context, role)
            rows = self._rows(episodes.state)
            first = {name: row[:, :, 0] for name, row in rows.items()}
            tokens.append(self._row(first) + encoder(rows, episodes))
            masks.append(episodes.mask)
        # The scene is the first of the episodes; the summary is a token of none.
        tokens, mask = tf.concat(tokens, axis=1), tf.concat(masks, axis=1)
        between, within = _attention(mask, entities)
        batch, count = tf.unstack(tf.shape(mask))
        tokens = tf.reshape(tokens, (batch, count * entities, self.config.embedding))
        summary = tf.repeat(self._summary, batch, axis=0)
        tokens = self._transformer(
            tf.concat([summary, tokens], axis=1), between, within
        )
        logits = tokens[:, 1 : 1 + entities]
        for layer in self._logits:
            logits = layer(logits)
        embedding = [tokens[:, 0]]
        if self._compensates:
            embedding.append(self._inverse_gains(context))
        return contextual.Encoding(
            tf.concat(embedding, axis=-1), logits[..., 0], None, None
        )

    def skill_inputs(self, state: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        """Return features [N, F] of the chosen row and the rest of states [N, S]."""
        return tf.einsum("nef,ne->nf", self.skills(state), target)

    def skills(self, state: tf.Tensor) -> tf.Tensor:
        """Return features [N, E, F] of each row and the rest of states [N, S]."""
        state = contexts.with_noise(state, self.config)
        return encoders.each(
            self._rows(state), lambda name, row: self._skills[name](row)
        )

    def next_frame_loss(
        self, embedding: tf.Tensor, episodes: contexts.ContextEpisodes
    ) -> tf.Tensor:
        """Return the loss of the next frames of episodes (K = 1), see `NextFrame`."""
        rows = self._rows(episodes.state[:, 0])
        return self._next_frame(rows, episodes.action[:, 0], embedding)

    def change(self, first: tf.Tensor, last: tf.Tensor) -> tf.Tensor:
        """Return how much each row changed [B, E], summed over both scales of `Rows`.

        In an ordered set it is relative to the change of the same row in the batch: of
        the blobs of an image, those of the robot always change most.

        Args:
          first: [B, S] states.
          last: [B, S] later ones.
        """
        first, last = self._rows(first), self._rows(last)
        changes = []
        for name in self.layout.sets:
            change = tf.reduce_sum(tf.abs(last[name] - first[name]), axis=-1)
            if name in self.layout.ordered_sets:
                mean, variance = tf.nn.moments(change, axes=[0], keepdims=True)
                change = _RELATIVE * (change - mean) / (tf.sqrt(variance) + _STILL)
            changes.append(change)
        return tf.concat(changes, axis=-1) if changes else tf.zeros((1, 1))


def _attention(mask: tf.Tensor, entities: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Return which tokens attend to which, between episodes and within them.

    The tokens are the summary, then the rows of each episode, the scene first. No other
    token attends to the scene, of which the actor shall know only the chosen row.

    Args:
      mask: [B, M] 1 for episodes that there are.
      entities: E, rows of each.

    Returns:
      Two bool[B, N, N] with N = 1 + M E, see `Transformer`.
    """
    numbers = tf.repeat(tf.range(tf.shape(mask)[1]), entities)
    numbers = tf.concat([[-1], numbers], axis=0)
    there = tf.repeat(mask > 0, entities, axis=1)
    there = tf.concat([tf.ones_like(there[:, :1]), there], axis=1)[:, None]
    same = numbers[:, None] == numbers
    return there & ~same & (numbers != 0), there & same
