"""Network that predicts the next state."""

import numpy as np
import tensorflow as tf

from wtl.datasets.reading.store import EpisodeStore
from wtl.policies.adapters.gradient import GradientRegression
from wtl.policies.adapters.recurrence import Recurrence
from wtl.policies.adapters.regression import (
    AdaptiveRegression,
    EncodedRegression,
    Pairs,
)
from wtl.policies.adapters.transition_window import Transitions
from wtl.policies.foresight.config import RECURRENCE, ForesightConfig
from wtl.policies.legacy_keras import tf_keras

_LEAST_STD = 1e-4  # what changes less is left as it is


class Foresight(tf_keras.Model):
    """Regression of the change of a state on state and action.

    Inputs and outputs have zero mean and unit variance: changes of positions in a
    control step are much smaller than those of velocities, and would not be learned.

    Attributes:
      config: its configuration.
      layout: layout of the states.
      members: E models of an ensemble, see
        `wtl.policies.adapters.regression.AdaptiveRegression`.
    """

    def __init__(self, config: ForesightConfig):
        super().__init__(name="foresight")
        self.config, self.layout = config, config.layout
        states, actions = config.layout.state_size, config.action_size
        self._scales = {
            name: self.add_weight(name, (size,), initializer=initial, trainable=False)
            for name, size, initial in (
                ("state_mean", states, "zeros"),
                ("state_std", states, "ones"),
                ("change_mean", states, "zeros"),
                ("change_std", states, "ones"),
                ("action_mean", actions, "zeros"),
                ("action_std", actions, "ones"),
            )
        }
        self.members = [self._member() for _ in range(config.members)]

    def _member(self) -> AdaptiveRegression:
        config, states = self.config, self.layout.state_size
        if config.adapter == RECURRENCE:
            encoder = Recurrence(config.units)
            return EncodedRegression(encoder, states, config.hidden)
        return GradientRegression(
            states + config.action_size + config.privileged_size,
            states,
            config.hidden,
            steps=config.steps,
            alpha=config.alpha,
        )

    def scale(self, episodes: EpisodeStore):
        """Set the scales to those of episodes."""
        moves = np.arange(episodes.state.shape[1] - 1) < episodes.length[:, None] - 1
        state, action = episodes.state[:, :-1][moves], episodes.action[:, :-1][moves]
        change = episodes.state[:, 1:][moves] - state
        for name, values in (("state", state), ("change", change), ("action", action)):
            std = values.std(axis=0, dtype=np.float64)
            self._scales[f"{name}_mean"].assign(values.mean(axis=0, dtype=np.float64))
            self._scales[f"{name}_std"].assign(np.where(std > _LEAST_STD, std, 1))

    def adapt(self, seen: Transitions, privileged: tf.Tensor) -> list[tf.Tensor]:
        """Return adaptations to the transitions of each of B episodes.

        Args:
          seen: T transitions each.
          privileged: [B, T, H] hidden variables at each.

        Returns:
          Adaptations [B, Z] of the E members; [1, Z] if nothing adapts.
        """
        if not self.config.adapts:
            seen, privileged = Transitions(*(part[:1] for part in seen)), privileged[:1]
        inputs = self._inputs(seen.observation, seen.action, privileged)
        outputs = self.change(seen.observation, seen.next_observation)
        pairs = Pairs(inputs, outputs, seen.valid)
        return [member.adapt(pairs) for member in self.members]

    def changes(self, state, action, privileged, adaptations) -> tf.Tensor:
        """Return predicted changes [E, B, N, S] of states, scaled; see `change`.

        Args:
          state: [E, B, N, S], one of each member.
          action: [B, N, A].
          privileged: [B, N, H] hidden variables.
          adaptations: see `adapt`; shared by the N states of an episode.
        """
        return tf.stack(
            [
                self._changes(
                    member, self._inputs(of_member, action, privileged), adapted
                )
                for member, of_member, adapted in zip(
                    self.members, tf.unstack(state), adaptations, strict=True
                )
            ]
        )

    def _changes(self, member: AdaptiveRegression, inputs, adapted) -> tf.Tensor:
        if self.config.adapts:
            return member.predict(inputs, adapted)
        # One product of large matrices takes a fraction of the time of many.
        one = tf.reshape(inputs, (1, -1, inputs.shape[-1]))
        shape = (*tf.unstack(tf.shape(inputs)[:2]), self.layout.state_size)
        return tf.reshape(member.predict(one, adapted), shape)

    def following(self, state, action, privileged, adaptations) -> tf.Tensor:
        """Return predicted next states [E, B, N, S]; arguments as of `changes`."""
        change = self.changes(state, action, privileged, adaptations)
        mean, std = self._scales["change_mean"], self._scales["change_std"]
        return state + mean + std * change

    def change(self, state: tf.Tensor, following: tf.Tensor) -> tf.Tensor:
        """Return the changes [..., S] between states, with zero mean, unit variance."""
        return self._scaled("change", following - state)

    def _inputs(self, state, action, privileged) -> tf.Tensor:
        scaled = self._scaled("state", state), self._scaled("action", action)
        return tf.concat([*scaled, privileged], axis=-1)

    def _scaled(self, name: str, values: tf.Tensor) -> tf.Tensor:
        return (values - self._scales[f"{name}_mean"]) / self._scales[f"{name}_std"]
