"""Networks of PEARL: inference, actor and critics."""

import math
from typing import NamedTuple

import tensorflow as tf

from wtl.policies import axes
from wtl.policies.encoders.view import Trunk, View
from wtl.policies.heads.squashed_gaussian import SquashedGaussian
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.pearl import config as configs
from wtl.policies.pearl import posterior

layers = tf_keras.layers


class TrialContext(NamedTuple):
    """K trials of each of B tasks.

    Attributes:
      observation: [B, K, T + 1, S].
      action: [B, K, T, A] in [-1, 1].
      observed_reward: [B, K, T].
      mask: [B, K] 1 where there is a trial, else 0.
    """

    observation: tf.Tensor
    action: tf.Tensor
    observed_reward: tf.Tensor
    mask: tf.Tensor


class Inference(layers.Layer):
    """Posterior of the latent variable given trials."""

    def __init__(self, view: View, latent: int):
        super().__init__(name="inference")
        self._evidence = view.evidence()
        self._mean = layers.Dense(latent)
        # A trial without reward must leave the posterior wide, so that evidence starts
        # with a large variance.
        self._log_variance = layers.Dense(
            latent, bias_initializer=tf_keras.initializers.Constant(3.0)
        )

    def call(self, context: TrialContext) -> tuple[tf.Tensor, tf.Tensor]:
        """Return mean and variance [B, Z]."""
        leading = tf.shape(context.mask)
        evidence = self._evidence(*map(axes.merge, context[:-1]))
        pieces = tf.shape(evidence)[1]

        def per_task(value):
            shape = [leading[0], leading[1] * pieces, value.shape[-1]]
            return tf.reshape(value, shape)

        return posterior.product_of_gaussians(
            per_task(self._mean(evidence)),
            per_task(tf.exp(tf.clip_by_value(self._log_variance(evidence), -8, 12))),
            tf.repeat(context.mask, pieces, axis=1),
        )


class Actor(layers.Layer):
    """(observation, latent, noise) -> action and log density."""

    def __init__(self, view: View, hidden: tuple[int, ...]):
        super().__init__(name="actor")
        self._trunk = Trunk(view, hidden, "relu")
        self._head = SquashedGaussian(view.action_size)

    def call(
        self, observation: tf.Tensor, latent: tf.Tensor, noise: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return actions [N, A] and log densities [N]."""
        return self._head(self._trunk(observation, latent), noise)


class Critics(layers.Layer):
    """(observation, action, latent) -> two estimates of the return."""

    def __init__(self, view: View, hidden: tuple[int, ...], name: str):
        super().__init__(name=name)
        self._trunks = [Trunk(view, hidden, "relu") for _ in range(2)]
        self._heads = [layers.Dense(1) for _ in range(2)]

    def call(
        self, observation: tf.Tensor, action: tf.Tensor, latent: tf.Tensor
    ) -> tf.Tensor:
        """Return values [N, 2]."""
        side = tf.concat([action, latent], axis=-1)
        values = [
            head(trunk(observation, side))
            for trunk, head in zip(self._trunks, self._heads, strict=True)
        ]
        return tf.concat(values, axis=-1)


class PearlNetwork(tf_keras.Model):
    """All parts of PEARL.

    Attributes:
      inference, actor, critics, target_critics: the parts.
      log_temperature: of the entropy bonus.
    """

    def __init__(self, view: View, config: configs.PearlConfig):
        super().__init__(name="pearl")
        self.view = view
        self.config = config
        self.inference = Inference(view, config.latent)
        self.actor = Actor(view, config.hidden)
        self.critics = Critics(view, config.hidden, "critics")
        self.target_critics = Critics(view, config.hidden, "target_critics")
        self.log_temperature = tf.Variable(math.log(0.1), name="log_temperature")
        size, acts = view.observation_size, view.action_size
        observation, action = tf.zeros((1, size)), tf.zeros((1, acts))
        latent = tf.zeros((1, config.latent))
        self.inference(
            TrialContext(
                tf.zeros((1, 1, 3, size)),
                tf.zeros((1, 1, 2, acts)),
                tf.zeros((1, 1, 2)),
                tf.zeros((1, 1)),
            )
        )
        self.actor(observation, latent, action)
        self.critics(observation, action, latent)
        self.target_critics(observation, action, latent)
        self.follow(1.0)

    @tf.function(reduce_retracing=True, autograph=False)
    def act(self, observation: tf.Tensor, latent: tf.Tensor, noise: tf.Tensor):
        """Return actions [N, A], see `Actor`."""
        return self.actor(observation, latent, noise)[0]

    @tf.function(reduce_retracing=True, autograph=False)
    def infer(self, context: TrialContext) -> tuple[tf.Tensor, tf.Tensor]:
        """Return mean and variance [B, Z] of the posterior."""
        return self.inference(context)

    def follow(self, rate: float):
        """Move the target critics by a share of the way towards the critics."""
        for target, source in zip(
            self.target_critics.variables, self.critics.variables, strict=True
        ):
            target.assign_add(rate * (source - target))
