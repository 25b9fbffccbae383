"""Losses of PEARL: soft actor-critic given the latent task."""

from typing import NamedTuple

import tensorflow as tf

from wtl.policies.axes import merge
from wtl.policies.pearl import posterior
from wtl.policies.pearl.network import PearlNetwork, TrialContext


class Batch(NamedTuple):
    """N transitions of each of B tasks, and context trials.

    Attributes:
      context: trials to infer the tasks from.
      observation: [B, N, S].
      action: [B, N, A] in [-1, 1].
      reward: [B, N].
      discount: [B, N] of the next value; 0 at the end.
      next_observation: [B, N, S].
    """

    context: TrialContext
    observation: tf.Tensor
    action: tf.Tensor
    reward: tf.Tensor
    discount: tf.Tensor
    next_observation: tf.Tensor


class Noise(NamedTuple):
    """Standard normal noise of one gradient step.

    Attributes:
      latent: [B, Z].
      action: [B * N, A].
      next_action: [B * N, A].
    """

    latent: tf.Tensor
    action: tf.Tensor
    next_action: tf.Tensor


class Critique(NamedTuple):
    """Losses of critics and inference.

    Attributes:
      total: the minimised loss.
      bellman: mean squared error of the critics.
      divergence: of the posterior from the prior, nats.
      latent: [B * N, Z] samples of the posterior.
    """

    total: tf.Tensor
    bellman: tf.Tensor
    divergence: tf.Tensor
    latent: tf.Tensor


def critique(network: PearlNetwork, batch: Batch, noise: Noise) -> Critique:
    """Return the losses of the critics, whose gradient also trains inference."""
    config = network.config
    mean, variance = network.inference(batch.context)
    drawn = mean + tf.sqrt(variance) * noise.latent
    count = tf.shape(batch.reward)[1]
    latent = tf.repeat(drawn, count, axis=0)
    fixed = tf.stop_gradient(latent)
    after = merge(batch.next_observation)
    action, log_density = network.actor(after, fixed, noise.next_action)
    future = tf.reduce_min(network.target_critics(after, action, fixed), axis=-1)
    future -= tf.exp(network.log_temperature) * log_density
    target = config.reward_scale * merge(batch.reward) + merge(batch.discount) * future
    value = network.critics(merge(batch.observation), merge(batch.action), latent)
    error = value - tf.stop_gradient(target)[:, None]
    bellman = tf.reduce_mean(error**2)
    # As in the original, the errors are averaged over all transitions and the
    # divergence is that of each task.
    divergence = tf.reduce_mean(posterior.divergence(mean, variance))
    total = bellman + config.kl_weight * divergence
    return Critique(total, bellman, divergence, latent)


def actor_loss(
    network: PearlNetwork, observation: tf.Tensor, latent: tf.Tensor, noise: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the loss of the actor, and its entropy in nats.

    Only the actor is trained, given observations [N, S] and samples [N, Z] of the
    posterior.
    """
    action, log_density = network.actor(observation, latent, noise)
    value = tf.reduce_min(network.critics(observation, action, latent), axis=-1)
    temperature = tf.exp(tf.stop_gradient(network.log_temperature))
    return (
        tf.reduce_mean(temperature * log_density - value),
        -tf.reduce_mean(log_density),
    )


def temperature_loss(network: PearlNetwork, entropy: tf.Tensor) -> tf.Tensor:
    """Return the loss that raises the temperature while entropy is below its target."""
    target = network.config.target_entropy * network.view.action_size
    return network.log_temperature * (tf.stop_gradient(entropy) - target)
