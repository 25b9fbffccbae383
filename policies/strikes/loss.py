"""Losses of latent strikes."""

import tensorflow as tf

from wtl.policies.strikes.network import Evidence, StrikesNetwork


def generator_loss(
    network: StrikesNetwork, commands: tf.Tensor, start: tf.Tensor, noise: tf.Tensor
) -> tf.Tensor:
    """Return minus the evidence lower bound of commands [B, C, A], nats.

    The divergence is weighted (beta-VAE, Higgins et al. 2017).

    Args:
      network: its generative model learns.
      commands: of strikes.
      start: [B, D].
      noise: [B, Z] standard normal.
    """
    scaled = network.scaled("start", start)
    terms = network.generator.losses_of(commands, scaled, noise)
    return terms.reconstruction + network.config.divergence_weight * terms.divergence


def outcome_loss(
    network: StrikesNetwork,
    evidence: Evidence,
    start: tf.Tensor,
    latent: tf.Tensor,
    stop: tf.Tensor,
) -> tf.Tensor:
    """Return minus the log density of displacements [B, 2] by strikes, nats.

    Args:
      network: its model of outcomes learns.
      evidence: of B pucks; trials other than the strikes.
      start: [B, D] of the strikes.
      latent: [B, Z].
      stop: [B, 2] metres, where the pucks stopped.
    """
    found = network.outcome(network.context(evidence), start, latent)
    return -tf.reduce_mean(found.log_density(stop))
