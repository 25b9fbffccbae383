"""Policy that acts on images by features of an encoder."""

import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from wtl.datasets.contract import fields
from wtl.policies.contextual import context as contexts
from wtl.policies.encoders.image_autoencoder import ImageAutoencoder


class EncodedPolicy(tf_policy.TFPolicy):
    """Encodes images and proprioception as a state, then acts on it.

    The context consists of encoded states too: `perceive` makes them of whole episodes,
    once.
    """

    watching = None

    def __init__(self, perception: ImageAutoencoder, policy: tf_policy.TFPolicy):
        """Put an encoder before a policy over `{"state": [B, S]}`."""
        observation = {
            name: tensor_spec.BoundedTensorSpec((*size, 3), tf.uint8, 0, 255, "image")
            for name, size in perception.sizes.items()
        }
        observation[fields.PROPRIOCEPTION] = tensor_spec.TensorSpec(
            (perception.proprioception_size,), tf.float32, "proprioception"
        )
        super().__init__(
            ts.time_step_spec(observation),
            policy.action_spec,
            policy_state_spec={
                "policy": policy.policy_state_spec,
                "first": policy.time_step_spec.observation[fields.STATE],
            },
            automatic_state_reset=False,
            name="encoded_policy",
        )
        self.perception = perception
        self.network = policy.network
        self._policy = policy

    def perceive(self, observed: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the states [N, T, S] of N episodes of T observations each."""
        images = {name: observed[name] for name in self.perception.sizes}
        return self.perception.perceive(images, observed[fields.PROPRIOCEPTION])

    def encode_context(self, context: contexts.Context):
        """Return the policy state for B contexts of encoded states."""
        embedded = self._policy.encode_context(context)
        return {"policy": embedded, "first": context.state}

    def _variables(self):
        return [*self._policy.variables(), *self.perception.variables]

    def _action(self, time_step, policy_state, seed=None):
        observed = self._encoded(time_step.observation, policy_state)
        step = self._policy.action(
            time_step._replace(observation=observed), policy_state["policy"], seed
        )
        return step._replace(state=policy_state | {"policy": step.state})

    def log_likelihood(self, given: dict) -> tf.Tensor:
        """See `ContextPolicy.log_likelihood`; observations are images."""
        policy_state = given["policy_state"]
        observed = self._encoded(given["observation"], policy_state)
        return self._policy.log_likelihood(
            given | {"observation": observed, "policy_state": policy_state["policy"]}
        )

    def _encoded(self, observed: dict[str, tf.Tensor], policy_state):
        images = {name: observed[name] for name in self.perception.sizes}
        state = self.perception.track(
            images, observed[fields.PROPRIOCEPTION], policy_state["first"]
        )
        return {fields.STATE: state}

    def _distribution(self, time_step, policy_state):
        raise NotImplementedError("the policy is deterministic; call `action`")
