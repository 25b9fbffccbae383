"""Imperfect sensors, actuators and resets: noise, latency, objects out of place."""

import collections
import dataclasses

import numpy as np

from wtl.datasets.contract import seeding
from wtl.datasets.contract.limits import Natural, NotNegative, Share


@dataclasses.dataclass(frozen=True)
class Disturbance:
    """Disturbance of all episodes: demonstrations, trials and evaluation.

    Attributes:
      observation_noise: standard deviation of the noise on each observed coordinate of
        everything but the robot, metres. Images are rendered without it.
      correlation: of the noise of consecutive steps (a first-order autoregression); at
        1 every coordinate is off by a constant.
      latency: control steps between a command and its effect.
      reset_error: largest distance, along x and along y, of each object at the start
        from where the scene has it, metres; anew in each episode in a scene.
    """

    observation_noise: NotNegative = 0.0
    correlation: Share = 0.9
    latency: Natural = 0
    reset_error: NotNegative = 0.0


class DisturbedEpisode:
    """Disturbance of one episode, a pure function of its seed."""

    def __init__(
        self, disturbance: Disturbance, places: np.ndarray, rest: np.ndarray, seed: int
    ):
        """Begin an episode.

        Args:
          disturbance: of all episodes.
          places: [S] 1 for numbers of the state that noise is added to, else 0.
          rest: [A] command that takes effect before the first one does.
          seed: of the noise.
        """
        self._disturbance = disturbance
        self._places = places * disturbance.observation_noise
        self._rng = seeding.generator("disturbance", seed)
        self._noise = self._rng.standard_normal(len(places))
        self._late = collections.deque([rest] * disturbance.latency)

    @property
    def pending(self) -> tuple[np.ndarray, ...]:
        """Commands that have not taken effect yet, in order."""
        return tuple(self._late)

    def command(self, given: np.ndarray) -> np.ndarray:
        """Return the command [A] that takes effect when one is given."""
        self._late.append(given)
        return self._late.popleft()

    def observed(self, state: np.ndarray) -> np.ndarray:
        """Return a state [S] with the noise of the next step."""
        disturbed = state + (self._places * self._noise).astype(state.dtype)
        kept = self._disturbance.correlation
        fresh = np.sqrt(1 - kept**2) * self._rng.standard_normal(len(state))
        self._noise = kept * self._noise + fresh
        return disturbed
