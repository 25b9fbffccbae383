"""Policy that executes chunks of actions."""

import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import policy_step

from wtl.policies.contextual import context as contexts
from wtl.policies.wrapped_policy import WrappedPolicy

_CHUNK, _AGE = "chunk", "chunk_age"


class ChunkedPolicy(WrappedPolicy):
    """Executes the first actions of each chunk that a policy predicts.

    Action chunking (Zhao et al. 2023, "Learning Fine-Grained Bimanual Manipulation with
    Low-Cost Hardware"), without their average over overlapping chunks: the policy is
    asked again after `Interface.executed` actions.
    """

    def __init__(self, policy: tf_policy.TFPolicy):
        """Wrap a policy whose actions are chunks [B, C A] in [-1, 1]."""
        config = policy.network.config
        self._executed = config.executed
        self._shape = (-1, config.chunk, config.action_size)
        spec = tensor_spec.BoundedTensorSpec(
            (config.action_size,), tf.float32, -1, 1, "action"
        )
        state = {
            _CHUNK: tf.TensorSpec((config.chunk_size,), tf.float32),
            _AGE: tf.TensorSpec((1,), tf.float32),
        }
        super().__init__(policy, spec, state, "chunked_policy")

    def encode_context(self, context: contexts.Context) -> dict[str, tf.Tensor]:
        """Return the policy state for B contexts, in which no chunk is begun."""
        state = self._policy.encode_context(context)
        zeros = tf.zeros((tf.shape(context.state)[0], self.network.config.chunk_size))
        return {**state, _CHUNK: zeros, _AGE: zeros[:, :1]}

    def _action(self, time_step, policy_state, seed=None):
        age, chunk = policy_state[_AGE], policy_state[_CHUNK]
        inner = self._inner(policy_state)
        index = tf.math.floormod(age, self._executed)
        due = tf.equal(index, 0)

        def predicted():
            new = self._policy.action(time_step, inner, seed).action
            return tf.where(due, new, chunk)

        chunk = tf.cond(tf.reduce_any(due), predicted, lambda: chunk)
        action = tf.gather(
            tf.reshape(chunk, self._shape),
            tf.cast(index[:, 0], tf.int32),
            axis=1,
            batch_dims=1,
        )
        state = {**policy_state, _CHUNK: chunk, _AGE: age + 1}
        return policy_step.PolicyStep(action, state, ())
