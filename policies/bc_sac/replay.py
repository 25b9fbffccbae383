"""Replay buffer of one task, of which transitions of several steps are drawn."""

import math

import numpy as np
import tensorflow as tf

from wtl.policies.bc_sac import config as configs


class Replay(tf.Module):
    """Episodes of T steps with a reward of 0 or 1 at the end.

    The first is the demonstration, if there is one.
    """

    def __init__(
        self,
        capacity: int,
        horizon: int,
        state_size: int,
        action_size: int,
        size: int,
        random: tf.random.Generator,
    ):
        """Allocate the buffer, for scenes with `size` entities of each kind."""
        super().__init__(name="replay")

        def room(*shape, dtype=tf.float32):
            return tf.Variable(tf.zeros((capacity, *shape), dtype), trainable=False)

        self._horizon = horizon
        self._random = random
        self.state = room(horizon + 1, state_size)
        self.action = room(horizon, action_size)
        self.success = room()
        self.target = room(dtype=tf.int32)
        self.places = room(2 * size, dtype=tf.int32)
        self.count = tf.Variable(0, trainable=False)
        self.demos = tf.Variable(0, trainable=False)
        # Rows of the successful episodes, and their number.
        self.winners = room(dtype=tf.int32)
        self.wins = tf.Variable(0, trainable=False)

    def add(
        self,
        state: np.ndarray,
        action: np.ndarray,
        success: np.ndarray,
        target: np.ndarray,
        places: np.ndarray,
        demo: bool = False,
    ):
        """Add N episodes.

        Args:
          state: [N, T + 1, S] with slots by identity.
          action: [N, T, A].
          success: [N] whether the goal was reached.
          target: [N] slot of the selected target.
          places: [N, E] places from the left.
          demo: whether they are demonstrations, which are added first.
        """
        rows = int(self.count) + np.arange(len(state))
        rooms = (self.state, self.action, self.success, self.target, self.places)
        for room, values in zip(
            rooms, (state, action, success, target, places), strict=True
        ):
            room.scatter_nd_update(
                rows[:, None], tf.cast(tf.convert_to_tensor(values), room.dtype)
            )
        self.count.assign_add(len(state))
        if demo:
            self.demos.assign_add(len(state))
            return
        won = rows[np.asarray(success, bool)]
        if len(won):
            at = int(self.wins) + np.arange(len(won))
            self.winners.scatter_nd_update(at[:, None], won.astype(np.int32))
            self.wins.assign_add(len(won))

    def draw_rows(self, batch: int, config: configs.SacConfig):
        """Draw episodes.

        Returns:
          [batch] rows, and [batch] 1 where one was drawn for its success.
        """
        wanted = round(config.success_share * batch)
        anything = self._random.uniform((batch,), 0, self.count, tf.int32)
        winner = tf.gather(
            self.winners,
            self._random.uniform((batch,), 0, tf.maximum(self.wins, 1), tf.int32),
        )
        demo = self._random.uniform((batch,), 0, tf.maximum(self.demos, 1), tf.int32)
        prefers_demo = self._random.uniform((batch,)) < config.demo_share
        use_demo = (self.demos > 0) & (prefers_demo | (self.wins == 0))
        picked = (tf.range(batch) < wanted) & (use_demo | (self.wins > 0))
        rows = tf.where(picked, tf.where(use_demo, demo, winner), anything)
        return rows, tf.cast(picked, tf.float32)

    def draw_steps(self, batch: int, config: configs.SacConfig):
        """Draw the first time step [batch] and the length [batch] of transitions."""
        time = self._random.uniform((batch,), 0, self._horizon, tf.int32)
        # Targets are selected by the values of first steps.
        chosen = self._random.uniform((batch,)) < config.first_share
        time = tf.where(chosen, 0, time)
        # Geometric: 1 + floor(log u / log λ), which is 1 for a λ below the least u.
        chance = self._random.uniform((batch,), 1e-6, 1.0)
        decay = math.log(max(config.trace, 1e-7))
        spans = 1 + tf.cast(tf.math.log(chance) / decay, tf.int32)
        return time, tf.minimum(spans, self._horizon - time)
