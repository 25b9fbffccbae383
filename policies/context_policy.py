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
    policy state, and `_predict`, which returns a mixture over actions.
    """

    def __init__(self, network, state_sizes: dict[str, int], name: str):
        """Wrap a network whose policy state has vectors of these sizes.

        With a vector `component` all actions are of this component of the mixture.
        """
        super().__init__(
            *specs(network.layout.state_size, network.config.action_size),
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
        prediction = self._predict(state, policy_state)
        if "component" in policy_state:
            component = policy_state["component"][..., None]
            action = tf.reduce_sum(component * prediction[1], axis=-2)
        else:
            step = features.step(state, self.network.layout)
            action = mixture_density.in_turn(prediction, step)
        action = tf.clip_by_value(action, -1.0, 1.0)
        return policy_step.PolicyStep(action, policy_state, ())

    def log_likelihood(self, given: dict) -> tf.Tensor:
        """Return log densities [B], in nats, of actions at observations.

        Args:
          given: `observation` {"state": [B, S]}, `action` [B, A], and `policy_state`
            of `encode_context`.
        """
        return -mixture_density.negative_log_likelihood(
            self._predict(given["observation"][fields.STATE], given["policy_state"]),
            given["action"],
            _LOG_SIGMA_FLOOR,
        )

    def _distribution(self, time_step, policy_state):
        raise NotImplementedError("the policy is deterministic; call `action`")
