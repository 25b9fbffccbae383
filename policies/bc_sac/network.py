"""Actor and critic of one task, on features computed once per transition."""

import tensorflow as tf
import tensorflow_probability as tfp
from tf_agents.networks import network as networks

from wtl.policies import features
from wtl.policies.contextual import network as contextual
from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers

# The floor is that at the end of imitation, see `TrainConfig.sigma_floors`. Without a
# ceiling states far from the demonstrations, such as flying objects, overflow.
LOG_SIGMA_FLOOR, LOG_SIGMA_CEILING = -3.0, 0.5
SKILL, SCENE = "skill", "scene"


class Actor(networks.Network):
    """Actor of a contextual policy, whose context is a constant."""

    def __init__(
        self,
        network: contextual.ContextualNetwork,
        embedding: tf.Tensor,
        observation_spec,
    ):
        """Wrap a contextual network, whose weights are trained further.

        Args:
          network: contextual network.
          embedding: [1, Z'] of the demonstration, see `contextual.Encoding`.
          observation_spec: of `observe`.
        """
        super().__init__(
            input_tensor_spec=observation_spec, state_spec=(), name="actor"
        )
        self._network = network
        self._embedding = tf.constant(embedding)

    @property
    def trainable_variables(self):
        """Weights of the actor, without those of the context encoders."""
        return self._network.actor_variables

    def call(self, inputs, step_type=None, network_state=(), training=False):
        """Return the mixture over actions, and no state."""
        del step_type, training
        return self.mixture(inputs[SKILL]), network_state

    def mixture(self, skill: tf.Tensor) -> tfp.distributions.MixtureSameFamily:
        """Return the mixture over actions given `skill` [N, F] of observations."""
        embedding = tf.broadcast_to(
            self._embedding, (tf.shape(skill)[0], self._embedding.shape[1])
        )
        actor = self._network.decide(skill, embedding)
        logits, mean, log_sigma = self._network.head.predict(actor)
        floored = LOG_SIGMA_FLOOR + tf.nn.softplus(log_sigma - LOG_SIGMA_FLOOR)
        floored = tf.minimum(floored, LOG_SIGMA_CEILING)
        return tfp.distributions.MixtureSameFamily(
            tfp.distributions.Categorical(logits=logits),
            tfp.distributions.MultivariateNormalDiag(mean, tf.exp(floored)),
        )


class Critic(networks.Network):
    """Value of an action, by dense layers with layer norms (Ball et al. 2023)."""

    def __init__(self, hidden: tuple[int, ...], observation_spec, action_spec, name):
        super().__init__(
            input_tensor_spec=(observation_spec, action_spec), state_spec=(), name=name
        )
        self._hidden = [
            (layers.Dense(units), layers.LayerNormalization()) for units in hidden
        ]
        # The value of an action that was never tried is 0.
        self._value = layers.Dense(1, kernel_initializer="zeros")

    def call(self, inputs, step_type=None, network_state=(), training=False):
        """Return values [N] of actions, which are clipped, and no state."""
        del step_type, training
        observation, action = inputs
        action = tf.clip_by_value(action, -1.0, 1.0)
        value = tf.concat([observation[SKILL], observation[SCENE], action], axis=-1)
        for dense, norm in self._hidden:
            value = tf.nn.relu(norm(dense(value)))
        return self._value(value)[..., 0], network_state


def observe(
    network: contextual.ContextualNetwork,
    state: tf.Tensor,
    target: tf.Tensor,
    place: tf.Tensor,
) -> dict[str, tf.Tensor]:
    """Return the observation of actor and critics.

    Args:
      network: contextual network of the actor.
      state: [N, S] states, entities in slots by identity.
      target: [N, E] one-hot selected target.
      place: [N, n] one-hot initial place of the target, counted from the left.

    Returns:
      `skill` [N, F], which suffices to act on the target, and `scene` [N, C]: identity
      and place of the target, and the state of all entities.
    """
    layout = network.layout
    items = layout.features.entities(features.split(state, layout))
    everything = tf.concat(
        [items.position * 5, items.velocity * 2, items.travel * 50], axis=-1
    )
    width = everything.shape[-2] * everything.shape[-1]
    return {
        SKILL: network.skill_inputs(state, target),
        SCENE: tf.concat([target, place, tf.reshape(everything, (-1, width))], axis=-1),
    }
