"""Acts at random, but goes somewhere: to begin with, when nothing has been learnt."""

from collections.abc import Sequence

import numpy as np

from wtl.datasets.contract import seeding

_NOISE = 0.3  # standard deviation around the action of a trial


class Wanderer:
    """A `wtl.collection.trials.Agent` with one random action for each trial, and noise.

    White noise stays where it is; a sparse reward is rarely come upon like that.
    """

    def __init__(self, action_size: int):
        """Acts in `action_size` dimensions."""
        self._size = action_size

    def begin(self, seeds: Sequence[int]):
        """Draws the first actions."""
        self._rngs = [seeding.generator(seed, "wanderer") for seed in seeds]
        self._turn()

    def act(self, observation: np.ndarray, felt: np.ndarray) -> np.ndarray:
        """Acts much as in the step before."""
        del observation, felt
        noise = np.stack([rng.standard_normal(self._size) for rng in self._rngs])
        return (self._mean + _NOISE * noise).astype(np.float32)

    def learn(self, trial):
        """Draws other actions for the next trial."""
        del trial
        self._turn()

    def _turn(self):
        self._mean = np.stack([rng.uniform(-1, 1, self._size) for rng in self._rngs])
