"""Observations and commands of a world of strikes, as networks need to know them."""

import dataclasses

import numpy as np

from wtl.policies.encoders.view import View

_TABLE = 1.5  # metres from the start beyond which it does not matter where a puck is


@dataclasses.dataclass(frozen=True)
class StrikeView(View):
    """View of trials that are one strike each; the puck then moves by itself.

    Attributes:
      place: part of an observation that is where the puck lies, [2].
      target: part of an observation that is where it is wanted, [2].
      commands: C, actions of a strike.
      rest: [A] action for the rest of a trial.
      horizon: T, steps of a trial.
      hidden: number of hidden variables of a puck.
    """

    place: slice
    target: slice
    commands: int
    rest: tuple[float, ...]
    horizon: int
    hidden: int

    @property
    def start_size(self) -> int:
        """D, the size of a start."""
        return self.observation_size - 2

    @property
    def motion_size(self) -> int:
        """M, the size of a motion."""
        return 2 * (self.horizon - self.commands + 1)

    def start(self, observation: np.ndarray) -> np.ndarray:
        """Return the starts [N, D] of first observations [N, S]: all but the target."""
        return np.delete(observation, np.arange(self.observation_size)[self.target], -1)

    def wanted(self, observation: np.ndarray) -> np.ndarray:
        """Return the displacements [N, 2] that first observations [N, S] ask for, m."""
        return observation[:, self.target] - observation[:, self.place]

    def motion(self, observation: np.ndarray) -> np.ndarray:
        """Return motions [N, M] in trials [N, T + 1, S]: displacements since the start.

        They begin with the end of the strike; the last is where the puck stopped.
        """
        place = observation[..., self.place]
        moved = (place - place[:, :1])[:, self.commands :]
        return np.clip(moved, -_TABLE, _TABLE).reshape(len(place), self.motion_size)
