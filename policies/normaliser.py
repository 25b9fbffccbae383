"""Normalisation of states and actions, in training and around a saved policy."""

import dataclasses

import numpy as np
import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import policy_step

from wtl.datasets.contract import fields
from wtl.datasets.reading.store import EpisodeStore
from wtl.policies.contextual import context as contexts


@dataclasses.dataclass(frozen=True)
class Normaliser:
    """Affine maps that make states of about unit scale, and actions of [-1, 1].

    Attributes:
      state_mean: [S].
      state_std: [S], above 0.
      action_low: [A] least actions, in the world's units.
      action_high: [A] greatest actions.
    """

    state_mean: np.ndarray
    state_std: np.ndarray
    action_low: np.ndarray
    action_high: np.ndarray

    def store(self, episodes: EpisodeStore) -> EpisodeStore:
        """Return a store with normalised states and actions."""
        return dataclasses.replace(
            episodes,
            state=self.state(episodes.state).astype(np.float32),
            # The zeros that stand at last states may be far outside the limits.
            action=self.action(episodes.action).clip(-1, 1).astype(np.float32),
        )

    def state(self, state):
        """Return states [..., S] normalised."""
        return (state - self.state_mean) / self.state_std

    def action(self, action):
        """Return actions [..., A] of the world as fractions in [-1, 1]."""
        return (action - self._middle) / self.half

    def native(self, action):
        """Return actions [..., A] of the world from fractions."""
        return self._middle + self.half * action

    @property
    def _middle(self) -> np.ndarray:
        return (self.action_low + self.action_high) / 2

    @property
    def half(self) -> np.ndarray:
        """[A] half the range of each dimension of an action."""
        return (self.action_high - self.action_low) / 2


class NormalisedPolicy(tf_policy.TFPolicy):
    """Policy that is given states and acts in the world's units.

    It normalises for the policy inside, which was trained on normalised episodes.
    """

    def __init__(self, policy: tf_policy.TFPolicy, normaliser: Normaliser):
        """Wrap a policy with `encode_context`."""
        super().__init__(
            policy.time_step_spec,
            tensor_spec.BoundedTensorSpec(
                policy.action_spec.shape,
                tf.float32,
                normaliser.action_low,
                normaliser.action_high,
                "action",
            ),
            policy_state_spec=policy.policy_state_spec,
            automatic_state_reset=False,
            name="normalised_policy",
        )
        self.network = policy.network
        self._policy = policy
        # As variables they count for the id of the policy.
        self._constants = {
            field.name: tf.Variable(
                getattr(normaliser, field.name), trainable=False, dtype=tf.float32
            )
            for field in dataclasses.fields(normaliser)
        }

    @property
    def _normaliser(self) -> Normaliser:
        return Normaliser(**self._constants)

    def encode_context(self, context: contexts.Context):
        """Return the policy state for B contexts in the world's units."""
        normaliser = self._normaliser

        def episodes(given: contexts.ContextEpisodes) -> contexts.ContextEpisodes:
            return given._replace(
                state=normaliser.state(given.state),
                action=tf.clip_by_value(normaliser.action(given.action), -1.0, 1.0),
            )

        return self._policy.encode_context(
            context._replace(
                demos=episodes(context.demos),
                trials=episodes(context.trials),
                state=normaliser.state(context.state),
            )
        )

    def _variables(self):
        return [*self._policy.variables(), *self._constants.values()]

    def _action(self, time_step, policy_state, seed=None):
        state = self._normaliser.state(time_step.observation[fields.STATE])
        step = self._policy.action(
            time_step._replace(observation={fields.STATE: state}), policy_state, seed
        )
        return policy_step.PolicyStep(
            self._normaliser.native(step.action), step.state, ()
        )

    def log_likelihood(self, given: dict) -> tf.Tensor:
        """See `ContextPolicy.log_likelihood`; densities are in the world's units."""
        normaliser = self._normaliser
        state = normaliser.state(given["observation"][fields.STATE])
        inside = self._policy.log_likelihood(
            {
                "observation": {fields.STATE: state},
                "action": normaliser.action(given["action"]),
                "policy_state": given["policy_state"],
            }
        )
        return inside - tf.reduce_sum(tf.math.log(normaliser.half))

    def _distribution(self, time_step, policy_state):
        raise NotImplementedError("the policy is deterministic; call `action`")
