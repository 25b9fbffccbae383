"""The network as a TF-Agents policy."""

import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.specs import array_spec, tensor_spec
from tf_agents.trajectories import policy_step
from tf_agents.trajectories import time_step as ts

from wtl.datasets.contract import fields
from wtl.policies import features
from wtl.policies.contextual import context as contexts
from wtl.policies.contextual import network as networks
from wtl.policies.heads import mixture_density


def specs(state_size: int, action_size: int):
    """Returns the time step spec and the action spec of the gripper."""
    observation = {
        fields.STATE: tensor_spec.TensorSpec((state_size,), tf.float32, "state")
    }
    action = tensor_spec.from_spec(
        array_spec.BoundedArraySpec((action_size,), "float32", -1.0, 1.0, "action")
    )
    return ts.time_step_spec(observation), action


class ContextualPolicy(tf_policy.TFPolicy):
    """Acts given an encoded context and a committed target.

    `encode_context` is called once per episode; what it returns is the policy state,
    which then stays as it is.
    """

    def __init__(self, network: networks.ContextualNetwork):
        """Wraps a network, which may be trained further."""
        config = network.config
        time_step_spec, action_spec = specs(
            network.layout.state_size, config.action_size
        )
        chosen = {"target": config.entities}
        if config.keeps_component:
            chosen["component"] = config.components
        super().__init__(
            time_step_spec,
            action_spec,
            policy_state_spec={
                "embedding": tf.TensorSpec((network.embedding_size,), tf.float32)
            }
            | {name: tf.TensorSpec((n,), tf.float32) for name, n in chosen.items()},
            # The state is what was shown; the first step must not erase it.
            automatic_state_reset=False,
            name="contextual_policy",
        )
        self.network = network

    def encode_context(self, context: contexts.Context) -> dict[str, tf.Tensor]:
        """Returns the policy state for B contexts: embedding and what is chosen."""
        config = self.network.config
        encoding = self.network.encode(context)
        logits = encoding.target_logits
        if config.commits:
            # Who commits to nothing has nothing to sample.
            logits += context.gumbel[:, : config.entities]
        state = {
            "embedding": encoding.embedding,
            "target": self.network.pursued(logits),
        }
        if config.keeps_component:
            noise = context.gumbel[:, config.entities :]
            chosen = tf.argmax(self.network.weigh(encoding.embedding) + noise, axis=-1)
            state["component"] = tf.one_hot(chosen, config.components)
        return state

    def _variables(self):
        return self.network.variables

    def _action(self, time_step, policy_state, seed=None):
        del seed
        state = time_step.observation[fields.STATE]
        prediction = self.network.act(
            state, policy_state["embedding"], policy_state["target"]
        )
        if self.network.config.keeps_component:
            component = policy_state["component"][..., None]
            action = tf.reduce_sum(component * prediction[1], axis=-2)
        else:
            action = mixture_density.in_turn(
                prediction, features.step(state, self.network.layout)
            )
        action = tf.clip_by_value(action, -1.0, 1.0)
        return policy_step.PolicyStep(action, policy_state, ())

    def _distribution(self, time_step, policy_state):
        raise NotImplementedError("a contextual policy is deterministic; call `action`")
