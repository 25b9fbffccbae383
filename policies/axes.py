"""Reshapes of axes."""

import tensorflow as tf


def merge(value: tf.Tensor) -> tf.Tensor:
    """Return [B, K, ...] as [B * K, ...]."""
    merged = tf.reshape(value, tf.concat([[-1], tf.shape(value)[2:]], 0))
    merged.set_shape([None, *value.shape[2:]])
    return merged


def split(value: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Return [B * K, ...] as [B, K, ...], where `like` is [B, K]."""
    parts = tf.reshape(value, tf.concat([tf.shape(like), tf.shape(value)[1:]], 0))
    parts.set_shape([None, None, *value.shape[1:]])
    return parts


def joined(value: tf.Tensor) -> tf.Tensor:
    """Return [..., N, F] as [..., N * F]; N and F are known."""
    width = value.shape[-2] * value.shape[-1]
    return tf.reshape(value, tf.concat([tf.shape(value)[:-2], [width]], 0))
