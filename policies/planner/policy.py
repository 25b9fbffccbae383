"""TF-Agents policy that plans, and adapts its model to the last transitions."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import policy_step
from tf_agents.trajectories import time_step as ts

from wtl.datasets.contract import fields
from wtl.policies.adapters.transition_window import TransitionWindow
from wtl.policies.contextual.context import Context
from wtl.policies.foresight.config import ANOTHER_TASK, NONE
from wtl.policies.foresight.network import Foresight
from wtl.policies.planner import optimiser
from wtl.policies.planner.config import PlannerConfig

# (states [..., S], actions [..., A], next states [..., S]) -> rewards [...].
Reward = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
Ends = Callable[[tf.Tensor], tf.Tensor]  # states [..., S] -> bool[...]


class PlannerPolicy(tf_policy.TFPolicy):
    """Model-predictive control: plans H steps at each step, and takes the first.

    Its state holds the last transitions, to which the model is adapted at each step,
    so that all who play policies let it adapt within the episode. All noise derives
    from the number of the step: the policy is deterministic, and conditions differ by
    their models alone.
    """

    def __init__(
        self,
        network: Foresight,
        reward: Reward,
        config: PlannerConfig,
        low: np.ndarray,
        high: np.ndarray,
        ends: Ends | None = None,
    ):
        """Plan with a model.

        Args:
          network: the model, or an ensemble.
          reward: rewards to be maximised.
          config: settings of the planner.
          low: [A] least actions, in the world's units.
          high: [A] greatest actions.
          ends: whether an episode ends at a state; without it none does.
        """
        ends = ends or (lambda state: tf.zeros(tf.shape(state)[:-1], bool))
        size, states = network.config.action_size, network.layout.state_size
        self._window = TransitionWindow(states, size, network.config.window)
        observation = {
            fields.STATE: tensor_spec.TensorSpec((states,), tf.float32, fields.STATE)
        }
        state_spec = self._window.spec | {
            "plan": tf.TensorSpec((config.horizon, size), tf.float32),
            "step": tf.TensorSpec((), tf.float32),
            "hidden": tf.TensorSpec((network.config.hidden_size,), tf.float32),
        }
        super().__init__(
            ts.time_step_spec(observation),
            tensor_spec.BoundedTensorSpec((size,), tf.float32, low, high, "action"),
            policy_state_spec=state_spec,
            # The first step must not erase what an oracle is given.
            automatic_state_reset=False,
            name="planner_policy",
        )
        self.network = network
        self._reward, self._ends, self._config = reward, ends, config
        self._middle = tf.constant((high + low) / 2, tf.float32)
        self._half = tf.constant((high - low) / 2, tf.float32)

    def encode_context(self, context: Context) -> dict[str, tf.Tensor]:
        """Return the policy state at the start of B episodes."""
        batch = tf.shape(context.state)[0]
        state = {
            name: tf.zeros((batch, *spec.shape), spec.dtype)
            for name, spec in self.policy_state_spec.items()
        }
        if self.network.config.oracle:
            state["hidden"] = context.privileged.hidden
        return state

    def _variables(self):
        return self.network.variables

    def _action(self, time_step, policy_state, seed=None):
        del seed
        config, network = self._config, self.network
        state, step = time_step.observation[fields.STATE], policy_state["step"]
        kept, seen = self._window.observe(policy_state, state, step == 0)
        if network.config.window_of == ANOTHER_TASK:
            seen = type(seen)(*(tf.roll(part, 1, axis=0) for part in seen))
            # An episode that is over is observed as it ended: that is no transition.
            changed = tf.reduce_any(seen.next_observation != seen.observation, axis=-1)
            seen = seen._replace(valid=seen.valid * tf.cast(changed, tf.float32))
        if network.config.window_of == NONE:
            seen = seen._replace(valid=tf.zeros_like(seen.valid))
        privileged = self._privileged(policy_state["hidden"], step)
        length = network.config.window
        # What holds now stands for all steps of the window: the oracle, which alone is
        # given hidden variables, does not adapt.
        adaptations = network.adapt(
            seen, tf.repeat(privileged[:, None], length, axis=1)
        )
        # Episodes that are played together are at the same step.
        noise = optimiser.draw_noise(config, network.config.action_size, step[0])

        def score(actions: tf.Tensor) -> tf.Tensor:
            return self._returns(state, actions, privileged, adaptations)

        plan = optimiser.optimise(score, policy_state["plan"], noise, config)
        action = self._native(plan[:, 0])
        following = tf.concat([plan[:, 1:], tf.zeros_like(plan[:, :1])], axis=1)
        return policy_step.PolicyStep(
            action,
            self._window.record(kept, action)
            | {
                "plan": following,
                "step": step + 1,
                "hidden": policy_state["hidden"],
            },
            (),
        )

    def _privileged(self, hidden: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """Return the hidden variables [B, H] that hold at a step, zeros before."""
        if not self.network.config.oracle:
            return tf.zeros((tf.shape(step)[0], 0))
        return tf.where((step >= hidden[:, 0])[:, None], hidden[:, 1:], 0.0)

    def _returns(self, state, actions, privileged, adaptations) -> tf.Tensor:
        """Return the predicted returns [B, N] of action sequences [B, N, H, A].

        Each member of the model goes on from its own predictions.
        """
        members, count = len(self.network.members), tf.shape(actions)[1]
        state = tf.tile(state[None, :, None], (members, 1, count, 1))
        privileged = tf.repeat(privileged[:, None], count, axis=1)
        total, weight, goes_on = 0.0, 1.0, 1.0
        for action in tf.unstack(self._native(actions), axis=2):
            following = self.network.following(state, action, privileged, adaptations)
            ended = tf.cast(self._ends(following), tf.float32)
            reward = self._reward(state, tf.stack([action] * members), following)
            total += weight * goes_on * (reward - self._config.end_cost * ended)
            goes_on *= 1.0 - ended
            state, weight = following, weight * self._config.discount
        return tf.reduce_mean(total, axis=0)

    def _native(self, actions: tf.Tensor) -> tf.Tensor:
        """Return actions in the world's units of fractions in [-1, 1]."""
        return self._middle + self._half * actions

    def _distribution(self, time_step, policy_state):
        raise NotImplementedError("the policy is deterministic; call `action`")
