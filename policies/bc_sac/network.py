"""Actor and critic of one task, on features computed once per transition."""

import tensorflow as tf
import tensorflow_probability as tfp
from tf_agents.networks import network as networks

from wtl.policies import features
from wtl.policies.contextual import network as contextual
from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers

# The floor is that at the end of imitation, see `TrainConfig.sigma_floors`; without a
# ceiling what is never seen in demonstrations, such as objects that fly, overflows.
LOG_SIGMA_FLOOR, LOG_SIGMA_CEILING = -3.0, 0.5
SKILL, SCENE = "skill", "scene"


def action_mixture(
    prediction: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
) -> tfp.distributions.MixtureSameFamily:
    """Gaussians over actions that `wtl.policies.heads.mixture_density` predicts."""
    logits, mean, log_sigma = prediction
    floored = LOG_SIGMA_FLOOR + tf.nn.softplus(log_sigma - LOG_SIGMA_FLOOR)
    floored = tf.minimum(floored, LOG_SIGMA_CEILING)
    return tfp.distributions.MixtureSameFamily(
        tfp.distributions.Categorical(logits=logits),
        tfp.distributions.MultivariateNormalDiag(mean, tf.exp(floored)),
    )


class Actor(networks.Network):
    """The actor of a contextual policy; what it was shown is a constant."""

    def __init__(
        self,
        network: contextual.ContextualNetwork,
        embedding: tf.Tensor,
        observation_spec,
    ):
        """Takes the weights of `network` as they are, and trains them.

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
        """Weights of the actor, not of what encodes demonstrations."""
        return self._network.actor_variables

    def call(self, inputs, step_type=None, network_state=(), training=False):
        """Returns the mixture over actions, and no state."""
        del step_type, training
        return self.mixture(inputs[SKILL]), network_state

    def mixture(self, skill: tf.Tensor) -> tfp.distributions.MixtureSameFamily:
        """Actions given `skill` [N, F] of an observation, which is all it looks at."""
        embedding = tf.broadcast_to(
            self._embedding, (tf.shape(skill)[0], self._embedding.shape[1])
        )
        return action_mixture(self._network.decide(skill, embedding))


class Critic(networks.Network):
    """Value of an action, given everything that tells how an episode may end."""

    def __init__(self, hidden: tuple[int, ...], observation_spec, action_spec, name):
        """Creates layers of these widths, each with a layer norm (Ball et al. 2023)."""
        super().__init__(
            input_tensor_spec=(observation_spec, action_spec), state_spec=(), name=name
        )
        self._hidden = [
            (layers.Dense(units), layers.LayerNormalization()) for units in hidden
        ]
        # What was never tried is worth nothing, rather than anything.
        self._value = layers.Dense(1, kernel_initializer="zeros")

    def call(self, inputs, step_type=None, network_state=(), training=False):
        """Returns values [N] of actions, which the gripper clips, and no state."""
        del step_type, training
        seen, action = inputs
        action = tf.clip_by_value(action, -1.0, 1.0)
        value = tf.concat([seen[SKILL], seen[SCENE], action], axis=-1)
        for dense, norm in self._hidden:
            value = tf.nn.relu(norm(dense(value)))
        return self._value(value)[..., 0], network_state


def observe(
    network: contextual.ContextualNetwork,
    state: tf.Tensor,
    target: tf.Tensor,
    place: tf.Tensor,
) -> dict[str, tf.Tensor]:
    """What actor and critics see.

    Args:
      network: whose actor it is.
      state: [N, S] states, objects and buttons in slots by identity.
      target: [N, E] one-hot: what the episode is committed to.
      place: [N, n] one-hot: where that was at first, counted from the left.

    Returns:
      `skill` [N, F], which suffices to act on the target, and `scene` [N, C], which
      tells identity and place of the target and where everything is.
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
