"""Network of RL²: a memory, and an actor and a value that read it."""

from typing import NamedTuple

import tensorflow as tf

from wtl.policies import axes
from wtl.policies.encoders.view import Trunk, View
from wtl.policies.heads.diagonal_gaussian import DiagonalGaussian
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.rl2 import config as configs

layers = tf_keras.layers


class Experience(NamedTuple):
    """L steps of each of B tasks, over all of its trials.

    Attributes:
      observation: [B, L, S].
      last_action: [B, L, A] in [-1, 1], the one before; zeros at first.
      observed_reward: [B, L] after it; zero at first.
      first: [B, L] 1 where a trial begins, else 0.
    """

    observation: tf.Tensor
    last_action: tf.Tensor
    observed_reward: tf.Tensor
    first: tf.Tensor


class Outlook(NamedTuple):
    """Outputs of the network at steps.

    Attributes:
      mean: [..., A] of the Gaussian over actions.
      value: [...] estimate of the return.
    """

    mean: tf.Tensor
    value: tf.Tensor


class Rl2Network(tf_keras.Model):
    """Recurrent network with an actor and a value.

    Attributes:
      log_sigma: [A] of the Gaussian over actions, the same in all states.
    """

    def __init__(self, view: View, config: configs.Rl2Config):
        super().__init__(name="rl2")
        self.view = view
        self.config = config
        self._body = view.body()
        self._memory = layers.GRU(config.memory, return_sequences=True)
        self._actor = Trunk(view, config.hidden, "tanh")
        self._critic = Trunk(view, config.hidden, "tanh")
        small = tf_keras.initializers.RandomNormal(stddev=0.01)
        self._mean = layers.Dense(view.action_size, kernel_initializer=small)
        self._value = layers.Dense(1)
        self.log_sigma = tf.Variable(
            tf.fill((view.action_size,), config.log_sigma), name="log_sigma"
        )
        self.recall(
            Experience(
                tf.zeros((1, 2, view.observation_size)),
                tf.zeros((1, 2, view.action_size)),
                tf.zeros((1, 2)),
                tf.zeros((1, 2)),
            )
        )

    def recall(self, experience: Experience) -> Outlook:
        """Process whole experiences, from an empty memory."""
        batch, length = tf.unstack(tf.shape(experience.observed_reward))
        inputs = self._inputs(Experience(*map(axes.merge, experience)))
        memory = self._memory(tf.reshape(inputs, (batch, length, inputs.shape[-1])))
        outlook = self._read(axes.merge(experience.observation), axes.merge(memory))
        return Outlook(
            tf.reshape(outlook.mean, (batch, length, self.view.action_size)),
            tf.reshape(outlook.value, (batch, length)),
        )

    @tf.function(reduce_retracing=True, autograph=False)
    def step(
        self, memory: tf.Tensor, experience: Experience
    ) -> tuple[tf.Tensor, Outlook]:
        """Return the next memory [B, H], and the outputs at a step, without axis L."""
        memory, _ = self._memory.cell(self._inputs(experience), [memory])
        return memory, self._read(experience.observation, memory)

    def log_density(self, mean: tf.Tensor, action: tf.Tensor) -> tf.Tensor:
        """Return the log density [...] of actions [..., A] before clipping."""
        return DiagonalGaussian(mean, self.log_sigma).log_density(action)

    def _inputs(self, step: Experience) -> tf.Tensor:
        reward = tf.stack([step.observed_reward, step.first], axis=-1)
        return self._body(
            step.observation, tf.concat([step.last_action, reward], axis=-1)
        )

    def _read(self, observation: tf.Tensor, memory: tf.Tensor) -> Outlook:
        acting, valuing = (f(observation, memory) for f in (self._actor, self._critic))
        return Outlook(self._mean(acting), self._value(valuing)[..., 0])
