"""Network, policy and loss of goal-conditioned behaviour cloning."""

from typing import NamedTuple

import tensorflow as tf

from wtl.policies.context_policy import ContextPolicy
from wtl.policies.heads.density import MeanHead
from wtl.policies.heads.head import Actor
from wtl.policies.legacy_keras import tf_keras


class GoalNetwork(tf_keras.Model):
    """Action of a state and a goal, the last state of the demonstration."""

    def __init__(self, config):
        super().__init__(name="goal")
        self.config, self.layout = config, config.layout
        self._hidden = [tf_keras.layers.Dense(n, "relu") for n in config.hidden]
        self.head = MeanHead(config.action_size, 1)
        self._output = self.head.layer()

    def encode(self, context):
        return context.demos.state[:, 0, -1]

    def act(self, state, goal):
        hidden = tf.concat([state, goal], axis=-1)
        for layer in self._hidden:
            hidden = layer(hidden)
        return Actor(lambda _: self._output(hidden))


class GoalPolicy(ContextPolicy):
    """Acts towards the goal."""

    def __init__(self, network):
        super().__init__(network, {"goal": network.layout.state_size}, "goal_policy")

    def encode_context(self, context):
        return {"goal": self.network.encode(context)}

    def _actor(self, state, policy_state):
        return self.network.act(state, policy_state["goal"])


class Losses(NamedTuple):
    """Means over a batch."""

    total: tf.Tensor
    imitation: tf.Tensor


def loss(network, example, log_sigma_floor):
    goal = network.encode(example.context)[:, None]
    goal = tf.tile(goal, (1, tf.shape(example.state)[1], 1))
    size = network.layout.state_size
    actor = network.act(*(tf.reshape(x, (-1, size)) for x in (example.state, goal)))
    action = tf.reshape(example.action, (-1, network.config.action_size))
    cloning = network.head.loss(actor, action, log_sigma_floor)
    return Losses(*(tf.reduce_mean(cloning),) * 2)
