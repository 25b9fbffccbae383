"""Head of two-step regression; see `wtl.policies.heads.head.Head`.

The minimal iterative policy, MIP (Pan et al. 2026, "Much Ado About Noising: Dispelling
the Myths of Generative Robotic Control"): a first regression of the action, and a
second one given the action with noise. It acts by the second, given the first.
"""

import tensorflow as tf

from wtl.policies.heads import noise
from wtl.policies.heads.iterative import IterativeHead

_TIME = 0.9  # t* of the paper: the noise of the second input is 1 - t*


class TwoStepHead(IterativeHead):
    """Head that regresses actions twice."""

    def loss(self, actor, action, log_sigma_floor, together=1, copies=1) -> tf.Tensor:
        """Return squared errors in units of t* and 1 - t*, see `Head.loss`."""
        del log_sigma_floor, together
        action = actor.unscaled(action)
        noisy = action + (1 - _TIME) * noise.normal(action, copies)
        first = (self._first(actor, action) - action) / _TIME
        second = (self._second(actor, noisy) - action) / (1 - _TIME)
        return tf.reduce_mean(first**2 + second**2, axis=-1)

    def act(self, actor, step: tf.Tensor) -> tf.Tensor:
        """See `Head.act`."""
        like = tf.zeros((tf.shape(step)[0], self.outputs))
        return actor.scaled(self._second(actor, self._first(actor, like)))

    def _first(self, actor, like: tf.Tensor) -> tf.Tensor:
        return actor.predict(tf.zeros_like(tf.concat([like, like[:, :1]], axis=-1)))

    def _second(self, actor, action: tf.Tensor) -> tf.Tensor:
        time = _TIME * tf.ones_like(action[:, :1])
        return actor.predict(tf.concat([action, time], axis=-1))
