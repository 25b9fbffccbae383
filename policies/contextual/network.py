"""Network of contextual policies: encode the context, select a target, then act."""

from typing import NamedTuple

import tensorflow as tf

from wtl.policies import axes, features
from wtl.policies.contextual import config as configs
from wtl.policies.contextual import context as contexts
from wtl.policies.encoders import episode
from wtl.policies.features import targets
from wtl.policies.heads import head as heads
from wtl.policies.heads import inverse_gains
from wtl.policies.heads.evidence import DEMO, TRIAL, Evidence
from wtl.policies.heads.selection import target_head
from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers


class Encoding(NamedTuple):
    """Encoded contexts.

    Attributes:
      embedding: [B, Z'] of the context episodes or the privileged information.
      target_logits: [B, E] over the entities of the scene; of a flat network zeros.
      demo_logits: [B, K, E] over the entities acted on in the demonstrations; None
        without demonstrations, and for a flat network.
      trial_logits: [B, L, E] likewise in the trials.
    """

    embedding: tf.Tensor
    target_logits: tf.Tensor
    demo_logits: tf.Tensor
    trial_logits: tf.Tensor


class ContextualNetwork(tf_keras.Model):
    """Encoders of context episodes, a target head, and an actor."""

    def __init__(self, config: configs.ContextualConfig):
        super().__init__(name="contextual")
        self.config = config
        self.layout = config.layout
        self._features = self.layout.features
        # Gains show only where both motions and commands are given.
        gains_given = (config.trials and config.trial_actions) or config.oracle
        self._compensates = config.moves_as_commanded and not config.compensation
        self._compensates &= gains_given or config.gains_given
        self._create_encoder()
        self._actor = [self._actor_layer(units) for units in config.hidden]
        self.head = heads.head(config)
        self._output = self.head.layer()

    def _actor_layer(self, units: int) -> layers.Layer:
        return layers.Dense(units, "relu")

    def _create_encoder(self):
        """Create the layers that only `encode` and `skill_inputs` call."""
        config, width = self.config, self.config.embedding
        encoder = (
            episode.EpisodeEncoder if config.per_entity else episode.FlatEpisodeEncoder
        )
        if config.demos:
            self._demo_encoder = encoder(self.layout, width, "demo")
        if config.trials:
            self._trial_encoder = encoder(self.layout, width, "trial")
        if config.per_entity and not config.oracle:
            self._target = target_head(self.layout)

    @property
    def encoded_size(self) -> int:
        """Z, the width of encoded episodes, or of privileged information but gains."""
        if self.config.oracle:
            whole = len(self.config.families) + 1 + self.config.hidden_size
            return whole - self.config.action_size * self._compensates
        return self.config.embedding * (self.config.demos + self.config.trials)

    @property
    def embedding_size(self) -> int:
        """Z', the width of `Encoding.embedding`: Z and, last, gains to compensate."""
        return self.encoded_size + self.config.action_size * self._compensates

    def encode(self, context: contexts.Context) -> Encoding:
        """Encode B contexts; nothing else reads them."""
        if self.config.oracle:
            return self._encode_privileged(context.privileged)
        context = contexts.given(context, self.config)
        batch = tf.shape(context.state)[0]
        embeddings, evidence = [tf.zeros((batch, 0))], []
        logits = {"demos": None, "trials": None}
        for name, role in (("demos", DEMO), ("trials", TRIAL)):
            if not getattr(self.config, name):
                continue
            episodes = getattr(context, name)
            encoder = self._demo_encoder if role == DEMO else self._trial_encoder
            code = self._encode_each(encoder, episodes)
            count = tf.maximum(tf.reduce_sum(episodes.mask, axis=1), 1)
            embeddings.append(
                tf.einsum("bk,bkz->bz", episodes.mask, code.embedding) / count[:, None]
            )
            logits[name] = code.logits
            first = episodes.state[:, :, 0]
            evidence.append(
                Evidence(role, first, code, episodes.success, episodes.mask)
            )
        if self._compensates:
            embeddings.append(self._inverse_gains(context))
        if self.config.per_entity:
            target_logits = self._target(context.state, evidence)
        else:
            target_logits = tf.zeros((batch, self.config.entities))
        return Encoding(
            embedding=tf.concat(embeddings, axis=-1),
            target_logits=target_logits,
            demo_logits=logits["demos"],
            trial_logits=logits["trials"],
        )

    def _encode_each(
        self, encoder, shown: contexts.ContextEpisodes
    ) -> episode.EpisodeCode:
        code = encoder(*map(axes.merge, (shown.state, shown.action, shown.success)))
        mask = shown.mask
        return episode.EpisodeCode(
            *(None if value is None else axes.split(value, mask) for value in code)
        )

    def _inverse_gains(self, context: contexts.Context) -> tf.Tensor:
        """Return commands per motion [B, A], means over trials; 1 without trials."""
        if self.config.gains_given:
            return 1 / context.privileged.hidden[:, : self.config.action_size]
        trials = context.trials
        rows = features.split(axes.merge(trials.state), self.layout)
        inverse = inverse_gains.inverse_gains(
            axes.merge(trials.action), self._features.motion(rows)
        )
        count = tf.maximum(tf.reduce_sum(trials.mask, axis=1), 1)
        off = axes.split(inverse, trials.mask) - 1
        return 1 + tf.einsum("bl,bla->ba", trials.mask, off) / count[:, None]

    def _encode_privileged(self, privileged: contexts.Privileged) -> Encoding:
        family = tf.one_hot(privileged.family, len(self.config.families))
        certain = 100.0 * tf.one_hot(privileged.target, self.config.entities)
        parts = [family, 10 * privileged.friction[:, None]]
        if self.config.hidden_size:
            gains = self.config.action_size * self.config.hidden_gains
            parts += [privileged.hidden[:, gains:], 1 / privileged.hidden[:, :gains]]
        return Encoding(tf.concat(parts, axis=-1), certain, None, None)

    def pursued(self, target_logits: tf.Tensor) -> tf.Tensor:
        """Return weights [B, E] of the entities to act on, given logits."""
        if self.config.selects_target:
            chosen = tf.argmax(target_logits, axis=-1)
            return tf.one_hot(chosen, self.config.entities)
        return tf.nn.softmax(target_logits)

    def act(
        self, state: tf.Tensor, embedding: tf.Tensor, target: tf.Tensor
    ) -> heads.Actor:
        """Return the actor at N states.

        Args:
          state: [N, S] states.
          embedding: [N, Z'] see `Encoding`.
          target: [N, E] one-hot target, see `pursued`.
        """
        return self.decide(self.skill_inputs(state, target), embedding)

    def skill_inputs(self, state: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        """Return features [N, F] of robot and target, or of all entities if flat."""
        state = contexts.with_noise(state, self.config)
        rows = features.split(state, self.layout)
        items = self._features.entities(rows)
        if self.layout.ways > 1:
            target = targets.by_way(target, self.layout)
            rows = self._features.in_way(rows, tf.reduce_sum(target, axis=-2))
            target = tf.reduce_sum(target, axis=-1)
        if self.config.per_entity:
            items = items.pick(target)
        relations = self._features.relations(rows, items)
        width = relations.shape[-2] * relations.shape[-1]
        chosen = tf.reshape(relations, (-1, width))
        return tf.concat([self._features.body(rows), chosen], axis=-1)

    def decide(self, inputs: tf.Tensor, embedding: tf.Tensor) -> heads.Actor:
        """Return the actor at N `skill_inputs`, given their `embedding`."""
        encoded = self.encoded_size
        known = tf.concat([inputs, embedding[..., :encoded]], axis=-1)

        def predict(extra: tf.Tensor | None):
            hidden = known if extra is None else tf.concat([known, extra], axis=-1)
            for layer in self._actor:
                hidden = layer(hidden)
            if self.config.keeps_component:
                return self._output(hidden, self._known(embedding))
            return self._output(hidden)

        if not self._compensates:
            return heads.Actor(predict)
        gains = embedding[:, encoded:]
        return heads.Actor(predict, tf.tile(gains, (1, self.config.chunk)))

    def weigh(self, embedding: tf.Tensor) -> tf.Tensor:
        """Return logits [N, M] of the components, given `Encoding.embedding` [N, Z'].

        They are used where one component is chosen once per episode.
        """
        return self._output.weigh(self._known(embedding))

    def _known(self, embedding: tf.Tensor) -> tf.Tensor:
        # A layer needs an input, also where the embedding is empty.
        one = tf.ones((tf.shape(embedding)[0], 1))
        return tf.concat([one, embedding], axis=-1)

    @property
    def actor_variables(self) -> list[tf.Variable]:
        """Weights that `decide` uses."""
        layers_used = (*self._actor, self._output)
        return [v for layer in layers_used for v in layer.trainable_variables]
