"""TF-Agents policy whose state is an encoded context."""

import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import policy_step
from tf_agents.trajectories import time_step as ts

from wtl.datasets.contract import fields
from wtl.policies import features
from wtl.policies.heads import mixture_density

# Of the likelihood of actions; training ends with it, see `TrainConfig`.
_LOG_SIGMA_FLOOR = -3.0


def specs(state_size: int, action_size: int):
    """Return the time step spec and the action spec."""
    observation = {
        fields.STATE: tensor_spec.TensorSpec((state_size,), tf.float32, "state")
    }
    action = tensor_spec.BoundedTensorSpec((action_size,), tf.float32, -1, 1, "action")
    return ts.time_step_spec(observation), action


class ContextPolicy(tf_policy.TFPolicy):
    """Deterministic policy around a network, which may be trained further.

    A subclass has `encode_context`, which is called once per episode and returns the
    policy state, and `_actor`, which returns the `heads.head.Actor` at B states. The
    network has a `head`.
    """

    def __init__(self, network, state_sizes: dict[str, int], name: str):
        """Wrap a network whose policy state has vectors of these sizes.

        With a vector `component` all actions are of this component of the mixture.
        """
        super().__init__(
            *specs(network.layout.state_size, network.config.chunk_size),
            policy_state_spec={
                key: tf.TensorSpec((size,), tf.float32)
                for key, size in state_sizes.items()
            },
            # The first step must not erase the encoded context.
            automatic_state_reset=False,
            name=name,
        )
        self.network = network

    def _variables(self):
        return self.network.variables

    def _action(self, time_step, policy_state, seed=None):
        del seed
        state = time_step.observation[fields.STATE]
        actor = self._actor(state, policy_state)
        if "component" in policy_state:
            component = policy_state["component"][..., None]
            mean = self.network.head.predict(actor)[1]
            action = tf.reduce_sum(component * mean, axis=-2)
        else:
            step = features.step(state, self.network.layout)
            action = self.network.head.act(actor, step)
        action = tf.clip_by_value(action, -1.0, 1.0)
        return policy_step.PolicyStep(action, policy_state, ())

    def log_likelihood(self, given: dict) -> tf.Tensor:
        """Return log densities [B], in nats, of actions at observations.

        Only of policies with one of `heads.DENSITIES`. Of a chunk of actions it is the
        density of the first.

        Args:
          given: `observation` {"state": [B, S]}, `action` [B, A], and `policy_state`
            of `encode_context`.
        """
        actor = self._actor(given["observation"][fields.STATE], given["policy_state"])
        logits, mean, log_sigma = self.network.head.predict(actor)
        size = given["action"].shape[-1]
        return -mixture_density.negative_log_likelihood(
            (logits, mean[..., :size], log_sigma[..., :size]),
            given["action"],
            _LOG_SIGMA_FLOOR,
        )

    def _distribution(self, time_step, policy_state):
        raise NotImplementedError("the policy is deterministic; call `action`")
