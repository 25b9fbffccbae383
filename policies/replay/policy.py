"""Policy that replays a demonstration open loop."""

import tensorflow as tf

from wtl.policies import context_policy, features
from wtl.policies.contextual.context import Context
from wtl.policies.heads.head import Actor
from wtl.policies.replay.network import ReplayNetwork


class ReplayPolicy(context_policy.ContextPolicy):
    """Takes the action of the demonstration at the same timestep, then its last one."""

    def __init__(self, network: ReplayNetwork):
        config = network.config
        frames = config.context_frames
        sizes = {
            "step": frames,
            "actions": frames * config.action_size,
            "target": config.entities,
        }
        super().__init__(network, sizes, "replay_policy")

    def encode_context(self, context: Context) -> dict[str, tf.Tensor]:
        """Return the policy state for B contexts: actions [B, T A] and their steps."""
        state, action = self.network.encode(context)
        batch = tf.shape(action)[0]
        return {
            "step": features.step(state, self.network.layout),
            "actions": tf.reshape(action, (batch, -1)),
            # Nothing is selected; the first entity stands for that.
            "target": tf.one_hot(
                tf.zeros(batch, tf.int32), self.network.config.entities
            ),
        }

    def _actor(self, state: tf.Tensor, policy_state) -> Actor:
        config = self.network.config
        step = features.step(state, self.network.layout)[:, None]
        # Frames may repeat a step: the first of them counts.
        reached = tf.reduce_sum(tf.cast(policy_state["step"] < step, tf.int32), axis=-1)
        index = tf.minimum(reached, config.context_frames - 1)
        actions = tf.reshape(
            policy_state["actions"], (-1, config.context_frames, config.action_size)
        )
        action = tf.gather(actions, index, batch_dims=1)
        return Actor(lambda _: self.network.head.read(action))
