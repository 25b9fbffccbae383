"""Head of flow matching; see `wtl.policies.heads.head.Head`.

Flow matching (Lipman et al. 2023) along straight lines from noise to the action, as in
rectified flow (Liu et al. 2023): the actor predicts the velocity.
"""

import numpy as np
import tensorflow as tf

from wtl.policies.heads import noise
from wtl.policies.heads.iterative import IterativeHead

_STEPS = 9  # of Euler's method, as in Pan et al. 2026
_TURNS = 1024  # timesteps after which the noise repeats


class FlowHead(IterativeHead):
    """Head that transports noise to actions."""

    def __init__(self, size: int, components: int):
        super().__init__(size, components)
        turns = np.random.default_rng(0).standard_normal((_TURNS, size))
        self._noise = turns.astype(np.float32)

    def loss(self, actor, action, log_sigma_floor, together=1, copies=1) -> tf.Tensor:
        """Return squared errors of the velocity, see `Head.loss`."""
        del log_sigma_floor, together
        action = actor.unscaled(action)
        start = noise.normal(action, copies)
        time = noise.uniform(action, copies)
        between = start + time * (action - start)
        velocity = actor.predict(tf.concat([between, time], axis=-1))
        return tf.reduce_mean((velocity - (action - start)) ** 2, axis=-1)

    def act(self, actor, step: tf.Tensor) -> tf.Tensor:
        """See `Head.act`; the noise is a function of the timestep."""
        turn = tf.math.floormod(tf.cast(step, tf.int32), _TURNS)
        action = tf.gather(tf.constant(self._noise), turn)
        for number in range(_STEPS):
            time = tf.fill(tf.shape(action[:, :1]), number / _STEPS)
            action += actor.predict(tf.concat([action, time], axis=-1)) / _STEPS
        return actor.scaled(action)
