"""Keras 2, which TF-Agents is written for. Import `tf_keras` through this module."""

import tensorflow as tf
import tf_keras

if tf.keras.Model is not tf_keras.Model:
    raise ImportError(
        "TensorFlow uses Keras 3, but TF-Agents needs Keras 2: import WTL before "
        "anything uses tf.keras, or set TF_USE_LEGACY_KERAS=1 in the environment"
    )

__all__ = ["tf_keras"]
