"""Policy that replays a demonstration open loop."""

import tensorflow as tf

from wtl.policies import context_policy
from wtl.policies.contextual.context import Context
from wtl.policies.heads.head import Actor
from wtl.policies.replay.network import ReplayNetwork


class ReplayPolicy(context_policy.ContextPolicy):
    """Takes the action of the demonstration at the same timestep, then its last one."""

    def __init__(self, network: ReplayNetwork):
        config = network.config
        frames = config.context_frames
        sizes = {
            "age": 1,
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
            "age": tf.zeros((batch, 1)),
            "step": _steps(state, action),
            "actions": tf.reshape(action, (batch, -1)),
            # Nothing is selected; the first entity stands for that.
            "target": tf.one_hot(
                tf.zeros(batch, tf.int32), self.network.config.entities
            ),
        }

    def _action(self, time_step, policy_state, seed=None):
        step = super()._action(time_step, policy_state, seed)
        return step._replace(state={**policy_state, "age": policy_state["age"] + 1})

    def _actor(self, state: tf.Tensor, policy_state) -> Actor:
        del state
        config = self.network.config
        # The first frame of a step counts.
        earlier = tf.cast(policy_state["step"] < policy_state["age"], tf.int32)
        index = tf.minimum(tf.reduce_sum(earlier, axis=-1), config.context_frames - 1)
        actions = tf.reshape(
            policy_state["actions"], (-1, config.context_frames, config.action_size)
        )
        action = tf.gather(actions, index, batch_dims=1)
        return Actor(lambda _: self.network.head.read(action))


def _steps(state: tf.Tensor, action: tf.Tensor) -> tf.Tensor:
    """Return the timestep [B, T] of each frame: frames that repeat one are equal."""
    frames = tf.concat([state, action], axis=-1)
    changed = tf.reduce_any(frames[:, 1:] != frames[:, :-1], axis=-1)
    later = tf.cumsum(tf.cast(changed, tf.float32), axis=-1)
    return tf.concat([tf.zeros_like(later[:, :1]), later], axis=-1)
