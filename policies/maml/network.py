"""Network that predicts with parameters adapted to each task."""

import tensorflow as tf

from wtl.policies import features
from wtl.policies.adapters import gradient
from wtl.policies.adapters.gradient import Parameters
from wtl.policies.contextual import context as contexts
from wtl.policies.heads import head as heads
from wtl.policies.heads.density import MixtureHead
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.maml import config as configs

_FIRST, _OUTER, _INNER = "actor_0", "head", "inner_head"
_ATTRIBUTE_SCALE, _ATTRIBUTE_MEAN = 3.0, 0.5
# The inner step must tell entities and families apart rather than fit actions closely:
# the gradient grows with the inverse square of sigma.
_INNER_LOG_SIGMA_FLOOR = -1.0


class MamlNetwork(tf_keras.Model):
    """Chooses an item once per episode by its distance to a prototype; acts on it.

    With features per entity the items are the entities, and the inner loss is that of a
    mixture over them: the inner gradient moves the choice towards those that explain
    the demonstrated actions. A flat network has one item.
    """

    def __init__(self, config: configs.MamlConfig):
        super().__init__(name="maml")
        self.config = config
        self.layout = config.layout
        self._features = self.layout.features
        self.head = heads.head(config)
        self._heads = {_OUTER: self.head}
        if config.two_heads:
            self._heads[_INNER] = MixtureHead(config.action_size, config.components)
        self.theta: dict[str, tf.Variable] = {}
        self.alpha: dict[str, tf.Variable] = {}
        probe = tf.zeros((1, self.layout.state_size), self.dtype)
        width = self._inputs(probe).shape[-1] + self.head.inputs
        if config.bias_transformation:
            self._add("z", (config.bias_transformation,), "zeros")
            self._add(
                "z_kernel",
                (config.bias_transformation, config.hidden[0]),
                "glorot_uniform",
            )
        for i, units in enumerate(config.hidden):
            width = self._add_dense(f"actor_{i}", width, units)
        for name, head in self._heads.items():
            self._add_dense(name, width, head.outputs)
        if config.per_entity:
            width = self._choice_inputs(probe).shape[-1]
            self._add("prototype", (width,), "zeros")
            self._metric = self.add_weight("metric", (width,), initializer="ones")

    def _add(self, name: str, shape: tuple[int, ...], initializer: str):
        self.theta[name] = self.add_weight(name, shape, initializer=initializer)
        self.alpha[name] = self.add_weight(
            f"{name}_alpha",
            shape,
            initializer=tf_keras.initializers.Constant(self.config.alpha),
        )

    def _add_dense(self, name: str, width: int, units: int) -> int:
        self._add(f"{name}_kernel", (width, units), "glorot_uniform")
        self._add(f"{name}_bias", (units,), "zeros")
        return units

    @property
    def parameter_count(self) -> int:
        """P, the number of adapted parameters."""
        return gradient.size(self.theta)

    def encode(self, context: contexts.Context) -> Parameters:
        """Adapt to the demonstrations of B contexts; nothing else reads them."""
        demos = context.demos
        leading = tf.shape(demos.mask)
        weight = demos.mask / tf.maximum(
            tf.reduce_sum(demos.mask, axis=1, keepdims=True), 1
        )

        def loss(phi: Parameters) -> tf.Tensor:
            each = tf.reshape(self.inner_losses(phi, demos), leading)
            return tf.reduce_sum(weight * each, axis=1)

        return gradient.adapt(
            self.theta,
            self.alpha,
            loss,
            batch=leading[0],
            steps=self.config.inner_steps,
            second_order=self.config.second_order,
            clip=self.config.clip,
        )

    def inner_losses(
        self, phi: Parameters, demos: contexts.ContextEpisodes
    ) -> tf.Tensor:
        """Return inner losses [B * K] of demonstrations, nats, means over time.

        They are negative log likelihoods of a mixture, where MIL has squared errors.
        """
        name = _INNER if self.config.two_heads else _OUTER
        # No action was taken at the last state.
        hidden = self.hidden(phi, demos.state)[:, :, :-1]
        items = self.config.items
        action = tf.repeat(demos.action[:, :, :-1, None], items, axis=3)
        size = action.shape[-1]

        def predict(_):
            values = self._dense(phi, name, hidden)
            return self._heads[name].read(tf.reshape(values, (-1, values.shape[-1])))

        nats = size * self._heads[name].loss(
            heads.Actor(predict), tf.reshape(action, (-1, size)), _INNER_LOG_SIGMA_FLOOR
        )
        nats = tf.reshape(nats, tf.shape(hidden)[:-1])
        choice = tf.nn.log_softmax(self.choose(phi, demos.state[:, :, 0]))
        mixed = -tf.reduce_logsumexp(choice[:, :, None] - nats, axis=-1)
        return tf.reshape(tf.reduce_mean(mixed, axis=2), (-1,))

    def hidden(self, phi: Parameters, state: tf.Tensor) -> tf.Tensor:
        """Return features [B, ..., I, H] of every item of states [B, ..., S]."""
        return self._hidden(phi, self._inputs(state))

    def choose(self, phi: Parameters, first: tf.Tensor) -> tf.Tensor:
        """Return logits [B, ..., I] of the items, given first states [B, ..., S]."""
        if not self.config.per_entity:
            return tf.zeros_like(first[..., :1])
        # With scores linear in the features an entity further along the direction than
        # the demonstrated one would win; a distance has its optimum at the prototype.
        inputs = self._choice_inputs(first)
        between = (None,) * (inputs.shape.rank - 2)
        error = self._metric * inputs - phi["prototype"][(slice(None), *between)]
        return -tf.reduce_sum(error**2, axis=-1)

    def act(self, phi: Parameters, state: tf.Tensor, target: tf.Tensor) -> heads.Actor:
        """Return the actor at B * N states.

        Args:
          phi: parameters of B tasks.
          state: [B, N, S] states.
          target: [B, I] one-hot choice.
        """
        chosen = tf.einsum("bi,bnid->bnd", target, self._inputs(state))

        def predict(extra: tf.Tensor | None):
            if extra is not None:
                extra = tf.reshape(extra, (*tf.unstack(tf.shape(chosen)[:2]), -1))
            values = self._dense(phi, _OUTER, self._hidden(phi, chosen, extra))
            return self.head.read(tf.reshape(values, (-1, values.shape[-1])))

        return heads.Actor(predict)

    def _inputs(self, state: tf.Tensor) -> tf.Tensor:
        """Return inputs [..., I, D] of the actor in states [..., S]."""
        rows = features.split(state, self.layout)
        relations = self._features.relations(rows, self._features.entities(rows))
        body = self._features.body(rows)[..., None, :]
        if not self.config.per_entity:
            width = self.config.entities * relations.shape[-1]
            flat = tf.reshape(
                relations, tf.concat([tf.shape(state)[:-1], [1, width]], 0)
            )
            return tf.concat([body, flat], axis=-1)
        leading = tf.shape(relations)[:-1]
        body = tf.broadcast_to(body, tf.concat([leading, [body.shape[-1]]], 0))
        return tf.concat([body, relations], axis=-1)

    def _choice_inputs(self, first: tf.Tensor) -> tf.Tensor:
        """Return the centred attributes [..., I, F] of entities.

        Places are left out: distances add up, so that where attributes and place point
        at different entities their sum would point at neither.
        """
        items = self._features.entities(features.split(first, self.layout))
        return _ATTRIBUTE_SCALE * (items.attributes - _ATTRIBUTE_MEAN)

    def _hidden(
        self, phi: Parameters, inputs: tf.Tensor, extra: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Return the last hidden layer [B, ..., H].

        Args:
          phi: parameters of B tasks.
          inputs: [B, ..., D] inputs.
          extra: [B, ..., X] inputs of the head; zeros by default.
        """
        if extra is None:
            shape = tf.concat([tf.shape(inputs)[:-1], [self.head.inputs]], 0)
            extra = tf.zeros(shape, inputs.dtype)
        hidden = tf.concat([inputs, extra], axis=-1)
        for i in range(len(self.config.hidden)):
            hidden = tf.nn.relu(self._dense(phi, f"actor_{i}", hidden))
        return hidden

    def _dense(self, phi: Parameters, name: str, inputs: tf.Tensor) -> tf.Tensor:
        """Return [B, ..., H] of [B, ..., D], with the weights of each task."""
        kernel, bias = phi[f"{name}_kernel"], phi[f"{name}_bias"]
        if name == _FIRST and self.config.bias_transformation:
            # MIL's bias transformation: z is concatenated to the inputs.
            bias += tf.linalg.matvec(phi["z_kernel"], phi["z"], transpose_a=True)
        # Not `tf.einsum("b...d,bdh->b...h")`: its gradient takes 80 times as long.
        shape = tf.shape(inputs)
        flat = tf.reshape(inputs, (shape[0], -1, inputs.shape[-1]))
        value = tf.matmul(flat, kernel) + bias[:, None]
        value = tf.reshape(value, tf.concat([shape[:-1], tf.shape(bias)[1:]], 0))
        return tf.ensure_shape(value, (*inputs.shape[:-1], bias.shape[-1]))
