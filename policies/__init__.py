"""Policies: encoders and heads, and one folder per kind of policy."""

import os

# TF-Agents is written for Keras 2; TensorFlow looks at this when `tf.keras` is first
# used. `wtl.policies.legacy_keras` checks that it was in time.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
