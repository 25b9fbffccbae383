"""Generative model of strikes: a conditional variational autoencoder of commands."""

from typing import NamedTuple

import tensorflow as tf

from wtl.policies.legacy_keras import tf_keras

layers = tf_keras.layers

_LEAST_VARIANCE = 1e-6  # of a command


class Losses(NamedTuple):
    """Terms of the negative evidence lower bound, nats.

    Attributes:
      reconstruction: of the commands, up to a constant, at the likeliest deviation
        (Rybkin et al. 2021): at first, while it is large, the decoder learns what
        follows from the start, and the latent holds what does not.
      divergence: of the posterior of the latent from its prior.
    """

    reconstruction: tf.Tensor
    divergence: tf.Tensor


class StrikeGenerator(tf_keras.Model):
    """Whole strikes, open loop, from a latent and the start (Kingma & Welling 2014).

    Commands depend almost linearly on where robot and puck are at the start, so a layer
    without non-linearity adds to the decoder's.
    """

    def __init__(self, shape: tuple[int, int], latent: int, hidden: int):
        """Create the model.

        Args:
          shape: C commands of A numbers each.
          latent: Z.
          hidden: width of the hidden layers.
        """
        super().__init__(name="strike_generator")
        self._shape = shape
        self._encoder = [layers.Dense(hidden, "elu") for _ in range(2)]
        self._posterior = layers.Dense(2 * latent)
        self._decoder = [layers.Dense(hidden, "elu") for _ in range(2)]
        self._commands = layers.Dense(shape[0] * shape[1])
        self._linear = layers.Dense(shape[0] * shape[1], use_bias=False)

    def decode(self, latent: tf.Tensor, start: tf.Tensor) -> tf.Tensor:
        """Return commands [B, C, A] of latents [B, Z], given starts [B, D]."""
        inputs = hidden = tf.concat([latent, start], axis=-1)
        for layer in self._decoder:
            hidden = layer(hidden)
        commands = self._commands(hidden) + self._linear(inputs)
        return tf.reshape(commands, (-1, *self._shape))

    def losses_of(
        self, commands: tf.Tensor, start: tf.Tensor, noise: tf.Tensor
    ) -> Losses:
        """Return losses of commands [B, C, A], with standard normal noise [B, Z]."""
        flat = tf.reshape(commands, (-1, self._shape[0] * self._shape[1]))
        hidden = tf.concat([flat, start], axis=-1)
        for layer in self._encoder:
            hidden = layer(hidden)
        mean, log_sigma = tf.split(self._posterior(hidden), 2, axis=-1)
        decoded = self.decode(mean + tf.exp(log_sigma) * noise, start)
        error = tf.reduce_mean((decoded - commands) ** 2)
        spread = mean**2 + tf.exp(2 * log_sigma) - 1 - 2 * log_sigma
        return Losses(
            flat.shape[-1] / 2 * tf.math.log(error + _LEAST_VARIANCE),
            tf.reduce_mean(tf.reduce_sum(spread, axis=-1)) / 2,
        )
