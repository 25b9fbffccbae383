"""Posterior over the latent task: a product of Gaussians."""

import tensorflow as tf


def product_of_gaussians(
    mean: tf.Tensor, variance: tf.Tensor, mask: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return mean and variance [B, Z] of the product of factors and the prior N(0, I).

    Factors have mean and variance [B, F, Z]; the mask [B, F] is 0 where there is none.
    """
    precision = mask[..., None] / variance
    total = 1 + tf.reduce_sum(precision, axis=1)
    return tf.reduce_sum(precision * mean, axis=1) / total, 1 / total


def divergence(mean: tf.Tensor, variance: tf.Tensor) -> tf.Tensor:
    """Return the KL divergence [B] of Gaussians from the prior, nats."""
    return 0.5 * tf.reduce_sum(variance + mean**2 - 1 - tf.math.log(variance), axis=-1)
