"""PPO's clipped loss (Schulman et al. 2017)."""

import math
from typing import NamedTuple

import tensorflow as tf

from wtl.policies.rl2.network import Experience, Rl2Network


class Batch(NamedTuple):
    """Experience of B tasks over L steps, with actions and returns.

    Attributes:
      experience: observations and rewards.
      action: [B, L, A] before clipping.
      log_density: [B, L] of these actions under the policy that took them.
      advantage: [B, L], of mean 0 and variance 1.
      outcome: [B, L] discounted sums of later rewards.
    """

    experience: Experience
    action: tf.Tensor
    log_density: tf.Tensor
    advantage: tf.Tensor
    outcome: tf.Tensor


class Losses(NamedTuple):
    """Means over a batch.

    Attributes:
      total: the minimised loss.
      policy: of the clipped, weighted advantages.
      value: squared error.
      entropy: of the actions, nats.
    """

    total: tf.Tensor
    policy: tf.Tensor
    value: tf.Tensor
    entropy: tf.Tensor


def clipped_gain(ratio: tf.Tensor, advantage: tf.Tensor, clip: float) -> tf.Tensor:
    """Return PPO's gain of each step, given its probability ratio and advantage."""
    clipped = tf.clip_by_value(ratio, 1 - clip, 1 + clip)
    return tf.minimum(ratio * advantage, clipped * advantage)


def loss(network: Rl2Network, batch: Batch) -> Losses:
    """Return the losses of policy and value."""
    config = network.config
    outlook = network.recall(batch.experience)
    now = network.log_density(outlook.mean, batch.action)
    ratio = tf.exp(now - batch.log_density)
    policy = -tf.reduce_mean(clipped_gain(ratio, batch.advantage, config.clip))
    value = tf.reduce_mean((outlook.value - batch.outcome) ** 2)
    entropy = tf.reduce_sum(network.log_sigma + 0.5 * math.log(2 * math.pi * math.e))
    total = policy + config.value_weight * value - config.entropy_weight * entropy
    return Losses(total, policy, value, entropy)
