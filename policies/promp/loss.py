"""ProMP's outer loss (Rothfuss et al. 2019, equation 12)."""

from typing import NamedTuple

import tensorflow as tf

from wtl.policies.promp.network import PrompNetwork, Trials
from wtl.policies.rl2.loss import clipped_gain


class Batch(NamedTuple):
    """Trials of B tasks before and after the inner step.

    Attributes:
      before: None without an inner step.
      after: of the adapted policy, or of the initial one without an inner step.
    """

    before: Trials | None
    after: Trials


class Losses(NamedTuple):
    """Means over a batch.

    Attributes:
      total: the minimised loss.
      policy: of the clipped, weighted advantages of trials after the inner step.
      divergence: of the initial policy from the one that played the first trials, nats.
    """

    total: tf.Tensor
    policy: tf.Tensor
    divergence: tf.Tensor


def loss(network: PrompNetwork, batch: Batch) -> Losses:
    """Return the losses of the initial parameters, through the inner step."""
    config, (before, after) = network.config, batch
    initial = network.initial(tf.shape(after.advantage)[0])
    phi = initial if before is None else network.adapt(before)
    now = network.policy(phi, after.observation).log_density(after.action)
    ratio = tf.exp(now - after.sampled.log_density(after.action))
    policy = -tf.reduce_mean(clipped_gain(ratio, after.advantage, config.clip))
    # Without an inner step, clipping alone keeps the policy near the one that played.
    divergence = tf.zeros_like(policy)
    if before is not None:
        present = network.policy(initial, before.observation)
        divergence = tf.reduce_mean(before.sampled.divergence(present))
    total = policy + config.kl_weight * divergence
    return Losses(total, policy, divergence)
