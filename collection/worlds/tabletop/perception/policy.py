"""Lets a policy over states act on images."""

import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from wtl.collection.worlds.tabletop.perception import network as networks
from wtl.datasets.contract import fields
from wtl.policies.contextual import context as contexts


class SeeingPolicy(tf_policy.TFPolicy):
    """Estimates the state from image and proprioception, then acts on it.

    The context is given in estimated states too: `perceive` makes them of whole
    episodes, once. What was found in the first image of the episode to be played is
    kept in the policy state, as that by which things are told apart later.
    """

    def __init__(
        self,
        perception: networks.Perception,
        policy: tf_policy.TFPolicy,
        watching: networks.Perception | None = None,
    ):
        """Puts perception before a policy.

        Args:
          perception: trained on what the robot sees.
          policy: over `{"state": [B, S]}`, with `encode_context`.
          watching: trained on videos of humans, for policies that are shown them.
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
        """Estimates the states [N, T, S] of N episodes of T observations each."""
        return self.perception.perceive(
            observed[fields.IMAGE], observed[fields.PROPRIOCEPTION]
        )

    def look(self, observed: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Says where it looks in N episodes of T observations each.

        Returns:
          `point` [N, T, Q, 2] and `heat` [N, T, h, w] of `networks.Watched`.
        """
        return _look(self.perception, observed)

    def perceive_human(self, observed: dict[str, tf.Tensor]) -> tf.Tensor:
        """As `perceive`, of videos of somebody else, of which only the time is felt."""
        return self.watching.perceive(
            observed[fields.IMAGE], observed[fields.PROPRIOCEPTION]
        )

    def look_human(self, observed: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """As `look`, in videos of somebody else."""
        return _look(self.watching, observed)

    def encode_context(self, context: contexts.Context):
        """Returns the policy state for B contexts of estimated states."""
        return {
            "policy": self._policy.encode_context(context),
            "first": context.state,
        }

    def _variables(self):
        eyes = [self.perception] + ([self.watching] if self.watching else [])
        return [*self._policy.variables(), *(v for eye in eyes for v in eye.variables)]

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


def _look(eyes: networks.Perception, observed) -> dict[str, tf.Tensor]:
    watched = eyes.watch(observed[fields.IMAGE], observed[fields.PROPRIOCEPTION])
    return {"point": watched.point, "heat": watched.heat}
