"""Network of ProMP: a policy whose parameters adapt to the trials of each task."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from wtl.policies.adapters import gradient
from wtl.policies.adapters.gradient import Parameters
from wtl.policies.encoders.view import View
from wtl.policies.heads.diagonal_gaussian import DiagonalGaussian
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.promp import baseline, estimator
from wtl.policies.promp import config as configs


class Trials(NamedTuple):
    """K trials of each of B tasks.

    Attributes:
      observation: [B, K, T, S].
      action: [B, K, T, A] before clipping.
      advantage: [B, K, T].
      sampled: the policy that took the actions; mean [B, K, T, A].
    """

    observation: tf.Tensor
    action: tf.Tensor
    advantage: tf.Tensor
    sampled: DiagonalGaussian


class PrompNetwork(tf_keras.Model):
    """Policy in functional form: it acts with parameters of each task.

    The body of the view is shared by all tasks; its side input, a vector, adapts, and
    so do the layers after it.

    Attributes:
      theta: initial parameters by name.
      alpha: step sizes, with their shapes.
    """

    def __init__(self, view: View, config: configs.PrompConfig):
        super().__init__(name="promp")
        self.view = view
        self.config = config
        self._body = view.body()
        self.theta: dict[str, tf.Variable] = {}
        self.alpha: dict[str, tf.Variable] = {}
        self._add("context", (config.context,), "zeros")
        probe = tf.zeros((1, view.observation_size), self.dtype)
        width = self._body(probe, tf.zeros((1, config.context), self.dtype)).shape[-1]
        for i, units in enumerate(config.hidden):
            width = self._add_dense(f"layer_{i}", width, units)
        self._add_dense("mean", width, view.action_size)
        sigma = tf_keras.initializers.Constant(config.log_sigma)
        self._add("log_sigma", (view.action_size,), sigma)
        self._recall = tf.function(self.policy, reduce_retracing=True, autograph=False)

    def _add(self, name: str, shape: tuple[int, ...], initializer):
        self.theta[name] = self.add_weight(name, shape, initializer=initializer)
        self.alpha[name] = self.add_weight(
            f"{name}_alpha",
            shape,
            initializer=tf_keras.initializers.Constant(self.config.alpha),
            trainable=self.config.learned_alpha,
        )

    def _add_dense(self, name: str, width: int, units: int) -> int:
        self._add(f"{name}_kernel", (width, units), "glorot_uniform")
        self._add(f"{name}_bias", (units,), "zeros")
        return units

    def initial(self, batch: tf.Tensor | int) -> Parameters:
        """Return the parameters of B tasks before any trial."""
        return {
            name: tf.broadcast_to(value, (batch, *value.shape))
            for name, value in self.theta.items()
        }

    @tf.function(reduce_retracing=True, autograph=False)
    def adapt(self, trials: Trials) -> Parameters:
        """Take the inner step on the trials of B tasks."""
        sampled = trials.sampled.log_density(trials.action)

        def loss(phi: Parameters) -> tf.Tensor:
            now = self.policy(phi, trials.observation).log_density(trials.action)
            gain = estimator.surrogate(
                self.config.credit, now, sampled, trials.advantage
            )
            return -tf.reduce_mean(gain, axis=(1, 2))

        return gradient.adapt(
            self.theta,
            self.alpha,
            loss,
            batch=tf.shape(trials.advantage)[0],
            steps=1,
            second_order=True,
            clip=self.config.inner_clip,
        )

    @tf.function(reduce_retracing=True, autograph=False)
    def act(self, phi: Parameters, observation: tf.Tensor) -> DiagonalGaussian:
        """Return distributions over actions in an observation [B, S] of each task."""
        mean, log_sigma = self.policy(phi, observation[:, None, None])
        return DiagonalGaussian(mean[:, 0, 0], log_sigma[:, 0, 0])

    def gather(self, phi: Parameters, played, rewards: Sequence[np.ndarray]) -> Trials:
        """Return K trials that were played with parameters of B tasks.

        Args:
          phi: these parameters.
          played: K trials with `observation` [B, T + 1, S] and `action` [B, T, A].
          rewards: K rewards [B, T].
        """
        observation = np.stack([trial.observation[:, :-1] for trial in played], axis=1)
        advantage = baseline.normalised_advantages(
            observation,
            np.stack(rewards, axis=1),
            self.config.discount,
            self.config.trace,
        )
        return Trials(
            tf.constant(observation, self.dtype),
            tf.constant(np.stack([t.action for t in played], axis=1), self.dtype),
            tf.constant(advantage, self.dtype),
            self._recall(phi, tf.constant(observation, self.dtype)),
        )

    def policy(self, phi: Parameters, observation: tf.Tensor) -> DiagonalGaussian:
        """Return distributions over actions in observations [B, K, T, S] of B tasks."""
        leading = tf.shape(observation)[:3]
        count = leading[1] * leading[2]
        flat = tf.reshape(observation, (-1, observation.shape[-1]))
        hidden = self._body(flat, tf.repeat(phi["context"], count, axis=0))
        hidden = tf.reshape(hidden, (leading[0], count, hidden.shape[-1]))
        for i in range(len(self.config.hidden)):
            hidden = tf.tanh(self._dense(phi, f"layer_{i}", hidden))
        mean = self._dense(phi, "mean", hidden)
        mean = tf.reshape(mean, tf.concat([leading, [mean.shape[-1]]], 0))
        return DiagonalGaussian(mean, phi["log_sigma"][:, None, None])

    def _dense(self, phi: Parameters, name: str, inputs: tf.Tensor) -> tf.Tensor:
        kernel, bias = phi[f"{name}_kernel"], phi[f"{name}_bias"]
        return tf.matmul(inputs, kernel) + bias[:, None]
