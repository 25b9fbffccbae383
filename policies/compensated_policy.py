"""Policy that compensates hidden actuator gains as its own transitions reveal them."""

import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.trajectories import policy_step

from wtl.datasets.contract import fields
from wtl.policies import compensation, interface
from wtl.policies.adapters.transition_window import TransitionWindow
from wtl.policies.contextual import context as contexts
from wtl.policies.wrapped_policy import WrappedPolicy


class CompensatedPolicy(WrappedPolicy):
    """Commands the motions of a policy, given the last transitions of the episode.

    Its state holds these: online adaptation needs nothing of those who play episodes.
    """

    def __init__(self, policy: tf_policy.TFPolicy):
        """Wrap a policy over states that decides on motions [A] in [-1, 1].

        Its `network.compensation` is the regression of commands on motions.
        """
        config = policy.network.config
        state = policy.time_step_spec.observation[fields.STATE]
        self._window = TransitionWindow(
            state.shape[0], config.action_size, config.window
        )
        super().__init__(
            policy, policy.action_spec, self._window.spec, "compensated_policy"
        )

    def encode_context(self, context: contexts.Context) -> dict[str, tf.Tensor]:
        """Return the policy state for B contexts, with no transition."""
        empty = self._window.empty(tf.shape(context.state)[0])
        return {**self._policy.encode_context(context), **empty}

    def _action(self, time_step, policy_state, seed=None):
        state = time_step.observation[fields.STATE]
        window, transitions = self._window.observe(
            policy_state, state, time_step.is_first()
        )
        config, model = self.network.config, self.network.compensation
        seen = compensation.pairs(transitions, config.layout)
        if config.window_from == interface.ANOTHER_EPISODE:
            # Half a batch away, where the scenes of another task are.
            half = tf.shape(state)[0] // 2
            seen = type(seen)(*(tf.roll(value, half, axis=0) for value in seen))
        step = self._policy.action(time_step, self._inner(policy_state), seed)
        command = model.command(step.action, model.adapt(seen))
        command = tf.clip_by_value(command, -1.0, 1.0)
        following = {**step.state, **self._window.record(window, command)}
        return policy_step.PolicyStep(command, following, ())
