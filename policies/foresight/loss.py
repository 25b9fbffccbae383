"""Loss of a model of the next state, adapted to what came before."""

from typing import NamedTuple

import tensorflow as tf

from wtl.policies.adapters.transition_window import Transitions
from wtl.policies.foresight.network import Foresight


class Slice(NamedTuple):
    """Slices of time of B episodes: M transitions, then K more.

    Attributes:
      seen: M transitions to adapt to.
      seen_privileged: [B, M, H] hidden variables at these.
      following: K transitions to predict.
      privileged: [B, K, H] hidden variables at these.
    """

    seen: Transitions
    seen_privileged: tf.Tensor
    following: Transitions
    privileged: tf.Tensor


class Losses(NamedTuple):
    """Mean squared error of scaled changes, to be minimised."""

    total: tf.Tensor


def loss(network: Foresight, example: Slice, log_sigma_floor: tf.Tensor) -> Losses:
    """Return the loss of adapted models on the transitions that follow.

    It is the meta-objective of Nagabandi et al. (2019, equation 3); without adaptation
    it is that of an ordinary model.
    """
    del log_sigma_floor
    adaptations = network.adapt(example.seen, example.seen_privileged)
    return Losses(tf.reduce_mean(errors(network, example, adaptations)))


def errors(
    network: Foresight, example: Slice, adaptations: list[tf.Tensor]
) -> tf.Tensor:
    """Return squared errors [B, K] of scaled changes, means over state and members."""
    state, action, following, _ = example.following
    of_members = tf.stack([state] * len(network.members))
    predicted = network.changes(of_members, action, example.privileged, adaptations)
    squares = (predicted - network.change(state, following)) ** 2
    return tf.reduce_mean(squares, axis=(0, -1))
