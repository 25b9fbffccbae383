"""Heads that predict a density of actions; see `wtl.policies.heads.head.Head`."""

import tensorflow as tf

from wtl.policies.heads import mixture_density
from wtl.policies.heads.mean import Mean, narrow
from wtl.policies.heads.mixture_density import Mixture, MixtureDensity


class MixtureHead:
    """Head of a mixture of Gaussians, whose components act in turn."""

    inputs = 0

    def __init__(self, size: int, components: int):
        self._size, self._components = size, components
        self.outputs = components * (1 + 2 * size)

    def layer(self) -> MixtureDensity:
        """See `Head.layer`."""
        return MixtureDensity(self._size, self._components)

    def read(self, values: tf.Tensor) -> Mixture:
        """See `Head.read`."""
        count, size = self._components, self._size
        logits, mean, log_sigma = tf.split(
            values, [count, count * size, count * size], axis=-1
        )
        shape = tf.concat([tf.shape(values)[:-1], [count, size]], 0)
        static = (*values.shape[:-1], count, size)
        mean, log_sigma = (
            tf.ensure_shape(tf.reshape(value, shape), static)
            for value in (mean, log_sigma)
        )
        return logits, mean, log_sigma

    def loss(self, actor, action, log_sigma_floor, together=1, copies=1) -> tf.Tensor:
        """Return nats, see `Head.loss`."""
        del copies
        prediction = self.predict(actor)
        nats = mixture_density.negative_log_likelihood(
            prediction, action, log_sigma_floor, together
        )
        return nats / action.shape[-1]

    def act(self, actor, step: tf.Tensor) -> tf.Tensor:
        """See `Head.act`."""
        return mixture_density.in_turn(self.predict(actor), step)

    def predict(self, actor) -> Mixture:
        """Return the mixture over actions."""
        logits, mean, log_sigma = actor.predict(None)
        if actor.scale is not None:
            mean *= actor.scale[:, None]
        return logits, mean, log_sigma


class MeanHead(MixtureHead):
    """Head of a single action, whose squared error is minimised."""

    def __init__(self, size: int, components: int):
        del components
        super().__init__(size, 1)
        self.outputs = size

    def layer(self) -> Mean:
        """See `Head.layer`."""
        return Mean(self._size)

    def read(self, values: tf.Tensor) -> Mixture:
        """See `Head.read`."""
        return narrow(values)
