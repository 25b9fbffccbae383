"""Network that predicts with parameters adapted to each task."""

import tensorflow as tf

from wtl.policies import features
from wtl.policies.contextual import context as contexts
from wtl.policies.heads import mixture_density
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.maml import adaptation
from wtl.policies.maml import config as configs
from wtl.policies.maml.adaptation import Parameters

_FIRST, _OUTER, _INNER = "actor_0", "head", "inner_head"
_ATTRIBUTE_SCALE, _ATTRIBUTE_MEAN = 3.0, 0.5
# The inner step must tell entities and families apart rather than fit actions closely:
# the gradient grows with the inverse square of sigma.
_INNER_LOG_SIGMA_FLOOR = -1.0

Mixture = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


class MamlNetwork(tf_keras.Model):
    """Chooses an item once per episode by its distance to a prototype; acts on it.

    With features per entity the items are the entities, and the prediction is a mixture
    over them: the inner gradient moves the choice towards those that explain the
    demonstrated actions. A flat network has one item.
    """

    def __init__(self, config: configs.MamlConfig):
        super().__init__(name="maml")
        self.config = config
        self.layout = config.layout
        self._features = self.layout.features
        self.theta: dict[str, tf.Variable] = {}
        self.alpha: dict[str, tf.Variable] = {}
        probe = tf.zeros((1, self.layout.state_size), self.dtype)
        width = self._inputs(probe).shape[-1]
        if config.bias_transformation:
            self._add("z", (config.bias_transformation,), "zeros")
            self._add(
                "z_kernel",
                (config.bias_transformation, config.hidden[0]),
                "glorot_uniform",
            )
        for i, units in enumerate(config.hidden):
            width = self._add_dense(f"actor_{i}", width, units)
        for name in (_OUTER, _INNER) if config.two_heads else (_OUTER,):
            self._add_dense(
                name, width, config.components * (1 + 2 * config.action_size)
            )
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
        return sum(value.shape.num_elements() for value in self.theta.values())

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

        return adaptation.adapt(
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
        choice = tf.nn.log_softmax(self.choose(phi, demos.state[:, :, 0]))
        hidden = self.hidden(phi, demos.state)
        head = _INNER if self.config.two_heads else _OUTER
        logits, mean, log_sigma = self._mixture(phi, head, hidden)
        logits = tf.nn.log_softmax(logits) + choice[:, :, None, :, None]
        count = self.config.items * self.config.components
        size = self.config.action_size
        # No action was taken at the last state.
        nll = mixture_density.negative_log_likelihood(
            (
                tf.reshape(logits[:, :, :-1], (-1, count)),
                tf.reshape(mean[:, :, :-1], (-1, count, size)),
                tf.reshape(log_sigma[:, :, :-1], (-1, count, size)),
            ),
            tf.reshape(demos.action[:, :, :-1], (-1, size)),
            _INNER_LOG_SIGMA_FLOOR,
        )
        frames = tf.shape(demos.action)[2]
        return tf.reduce_mean(tf.reshape(nll, (-1, frames - 1)), axis=1)

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

    def act(self, phi: Parameters, state: tf.Tensor, target: tf.Tensor) -> Mixture:
        """Return logits [B * N, M], means and log sigmas [B * N, M, A] of actions.

        Args:
          phi: parameters of B tasks.
          state: [B, N, S] states.
          target: [B, I] one-hot choice.
        """
        chosen = tf.einsum("bi,bnid->bnd", target, self._inputs(state))
        mixture = self._mixture(phi, _OUTER, self._hidden(phi, chosen))
        return tuple(tf.reshape(value, (-1, *value.shape[2:])) for value in mixture)

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

    def _hidden(self, phi: Parameters, inputs: tf.Tensor) -> tf.Tensor:
        """Return the last hidden layer [B, ..., H] for inputs [B, ..., D]."""
        hidden = inputs
        for i in range(len(self.config.hidden)):
            hidden = tf.nn.relu(self._dense(phi, f"actor_{i}", hidden))
        return hidden

    def _mixture(self, phi: Parameters, head: str, hidden: tf.Tensor) -> Mixture:
        """Return logits [B, ..., C], means and log sigmas [B, ..., C, A]."""
        values = self._dense(phi, head, hidden)
        count, size = self.config.components, self.config.action_size
        logits, mean, log_sigma = tf.split(
            values, [count, count * size, count * size], axis=-1
        )
        shape = tf.concat([tf.shape(values)[:-1], [count, size]], 0)
        static = (*values.shape[:-1], count, size)
        mean, log_sigma = tf.reshape(mean, shape), tf.reshape(log_sigma, shape)
        return logits, tf.ensure_shape(mean, static), tf.ensure_shape(log_sigma, static)

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
