"""Window of the last transitions of an episode, in the state of a policy."""

from typing import NamedTuple

import tensorflow as tf

# Entries of a policy's state.
_OBSERVATION, _ACTION, _VALID = (
    "window_observation",
    "window_action",
    "window_valid",
)


class Transitions(NamedTuple):
    """Last T transitions of each of B episodes, the latest last.

    Attributes:
      observation: [B, T, S].
      action: [B, T, A] taken there.
      next_observation: [B, T, S] one timestep later.
      valid: [B, T] 1 for transitions of the episode, 0 for those before its start.
    """

    observation: tf.Tensor
    action: tf.Tensor
    next_observation: tf.Tensor
    valid: tf.Tensor


class TransitionWindow:
    """Window of T transitions, whose state is part of a policy's.

    At each step a policy calls `observe` with its observation, which completes the
    latest transition, and `record` with the action that it takes. Neighbouring
    transitions share an observation, so that T + 1 are kept.

    Attributes:
      length: T.
      spec: `tf.TensorSpec`s of the window's part of a policy's state.
    """

    def __init__(self, observation_size: int, action_size: int, length: int = 16):
        """Create the window of observations [S] and actions [A]."""
        self.length = length
        self.spec = {
            _OBSERVATION: tf.TensorSpec((length + 1, observation_size), tf.float32),
            _ACTION: tf.TensorSpec((length, action_size), tf.float32),
            _VALID: tf.TensorSpec((length,), tf.float32),
        }

    def empty(self, batch: tf.Tensor | int) -> dict[str, tf.Tensor]:
        """Return the states of B windows without a transition."""
        return {
            name: tf.zeros((batch, *spec.shape), spec.dtype)
            for name, spec in self.spec.items()
        }

    def observe(
        self,
        state: dict[str, tf.Tensor],
        observation: tf.Tensor,
        is_first: tf.Tensor,
    ) -> tuple[dict[str, tf.Tensor], Transitions]:
        """Complete the latest transitions; return the next states, and the windows.

        Args:
          state: states of B windows; other entries are left out of the result.
          observation: [B, S].
          is_first: bool[B], whether it begins an episode, of which the window is empty.
        """
        frames = _shifted(state[_OBSERVATION], observation)
        valid = tf.where(is_first[:, None], 0.0, state[_VALID])
        transitions = Transitions(frames[:, :-1], state[_ACTION], frames[:, 1:], valid)
        return {
            _OBSERVATION: frames,
            _ACTION: state[_ACTION],
            _VALID: valid,
        }, transitions

    def record(
        self, state: dict[str, tf.Tensor], action: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Return the states of windows in which the actions [B, A] are under way."""
        return {
            _OBSERVATION: state[_OBSERVATION],
            _ACTION: _shifted(state[_ACTION], action),
            _VALID: _shifted(state[_VALID], tf.ones_like(action[:, 0])),
        }


def _shifted(values: tf.Tensor, latest: tf.Tensor) -> tf.Tensor:
    """Return values [B, T, ...] without the first, and with the latest [B, ...]."""
    return tf.concat([values[:, 1:], latest[:, None]], axis=1)
