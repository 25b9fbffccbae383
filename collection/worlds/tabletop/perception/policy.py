"""Image policy: perception before a policy over states."""

import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from wtl.collection.worlds.tabletop.perception import network as networks
from wtl.datasets.contract import fields
from wtl.policies.contextual import context as contexts


class ImagePolicy(tf_policy.TFPolicy):
    """Estimates the state from image and proprioception, then acts on it.

    The context consists of estimated states too: `perceive` makes them of whole
    episodes, once. The state in the first image of the episode to be played is kept in
    the policy state: later images are searched for the things in it.
    """

    def __init__(
        self,
        perception: networks.Perception,
        policy: tf_policy.TFPolicy,
        watching: networks.Perception | None = None,
    ):
        """Put perception before a policy.

        Args:
          perception: trained on images of the robot.
          policy: over `{"state": [B, S]}`, with `encode_context`.
          watching: trained on videos of the simulated human, for policies whose
            demonstrations they are.
        """
        layout, side = perception.layout, perception.config.pixels
        observation = {
            fields.IMAGE: tensor_spec.BoundedTensorSpec(
                (side, side, 3), tf.uint8, 0, 255, "image"
            ),
            fields.PROPRIOCEPTION: tensor_spec.TensorSpec(
                (layout.proprioception_size,), tf.float32, "proprioception"
            ),
        }
        super().__init__(
            ts.time_step_spec(observation),
            policy.action_spec,
            policy_state_spec={
                "policy": policy.policy_state_spec,
                "first": tf.TensorSpec((layout.state_size,), tf.float32),
            },
            automatic_state_reset=False,
            name="seeing_policy",
        )
        self.perception = perception
        self.watching = watching
        self.network = policy.network
        self._policy = policy

    def perceive(self, observed: dict[str, tf.Tensor]) -> tf.Tensor:
        """Estimate the states [N, T, S] of N episodes of T observations each."""
        return _watch(self.perception, observed).state

    def look(self, observed: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Return the attention in N episodes of T observations each.

        Returns:
          `point` [N, T, Q, 2] and `heat` [N, T, h, w] of `networks.Watched`.
        """
        watched = _watch(self.perception, observed)
        return {"point": watched.point, "heat": watched.heat}

    def perceive_human(self, observed: dict[str, tf.Tensor]) -> tf.Tensor:
        """As `perceive`, of videos of the simulated human, without proprioception."""
        return _watch(self.watching, observed).state

    def look_human(self, observed: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """As `look`, in videos of the simulated human."""
        watched = _watch(self.watching, observed)
        return {"point": watched.point, "heat": watched.heat}

    def encode_context(self, context: contexts.Context):
        """Return the policy state for B contexts of estimated states."""
        embedded = self._policy.encode_context(context)
        return {"policy": embedded, "first": context.state}

    def _variables(self):
        found = [*self._policy.variables(), *self.perception.variables]
        return found + (self.watching.variables if self.watching else [])

    def _action(self, time_step, policy_state, seed=None):
        observed = time_step.observation
        state, _ = self.perception.track(
            observed[fields.IMAGE],
            observed[fields.PROPRIOCEPTION],
            policy_state["first"],
        )
        step = self._policy.action(
            time_step._replace(observation={fields.STATE: state}),
            policy_state["policy"],
            seed,
        )
        return step._replace(
            state={"policy": step.state, "first": policy_state["first"]}
        )

    def _distribution(self, time_step, policy_state):
        raise NotImplementedError("a contextual policy is deterministic; call `action`")


def _watch(model: networks.Perception, observed) -> networks.Watched:
    return model.watch(observed[fields.IMAGE], observed[fields.PROPRIOCEPTION])
