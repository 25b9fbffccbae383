"""Random actor: explores a world before anything has been learnt."""

from collections.abc import Sequence

import numpy as np

from wtl.datasets.contract import seeding

_NOISE = 0.3  # standard deviation around the action of a trial


class RandomActor:
    """Agent with one random action for each trial, and noise; see `trials.Agent`.

    White noise alone would stay near the start, and rarely reach a sparse reward.
    """

    def __init__(self, action_size: int):
        """Create an agent of `action_size` dimensions."""
        self._size = action_size

    def begin(self, seeds: Sequence[int]):
        """Draw the first actions."""
        self._rngs = [seeding.generator(seed, "random actor") for seed in seeds]
        self.learn(None)

    def act(self, observation: np.ndarray, reward: np.ndarray) -> np.ndarray:
        """Return the action of the trial with noise."""
        del observation, reward
        noise = np.stack([rng.standard_normal(self._size) for rng in self._rngs])
        return (self._mean + _NOISE * noise).astype(np.float32)

    def learn(self, trial):
        """Draw other actions for the next trial."""
        del trial
        self._mean = np.stack([rng.uniform(-1, 1, self._size) for rng in self._rngs])
