"""Base of policies that wrap a policy and add to its state."""

import tensorflow as tf
from tf_agents.policies import tf_policy


class WrappedPolicy(tf_policy.TFPolicy):
    """Deterministic policy around another, whose network and state it shares.

    Subclasses define `_action` and `encode_context`.
    """

    def __init__(
        self,
        policy: tf_policy.TFPolicy,
        action_spec,
        state_spec: dict[str, tf.TensorSpec],
        name: str,
    ):
        """Wrap a policy.

        Args:
          policy: with `network`, `encode_context` and `log_likelihood`.
          action_spec: of the actions of this policy.
          state_spec: what it adds to the policy state.
          name: of this policy.
        """
        super().__init__(
            policy.time_step_spec,
            action_spec,
            policy_state_spec={**policy.policy_state_spec, **state_spec},
            automatic_state_reset=False,
            name=name,
        )
        self.network = policy.network
        self._policy = policy

    def log_likelihood(self, given: dict) -> tf.Tensor:
        """See `ContextPolicy.log_likelihood`; of what the wrapped policy predicts."""
        return self._policy.log_likelihood(
            given | {"policy_state": self._inner(given["policy_state"])}
        )

    def _inner(self, policy_state: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Return the state of the wrapped policy."""
        return {name: policy_state[name] for name in self._policy.policy_state_spec}

    def _variables(self):
        return self._policy.variables()

    def _distribution(self, time_step, policy_state):
        raise NotImplementedError("the policy is deterministic; call `action`")
