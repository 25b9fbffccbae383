"""Agent of ProMP, which takes a gradient step on its first trials of a task."""

from collections.abc import Sequence

import numpy as np

from wtl.datasets.contract import seeding
from wtl.policies.promp.network import PrompNetwork


class PrompAgent:
    """Acts in N tasks at once; a `wtl.collection.trials.Agent`.

    Attributes:
      phi: parameters in each task.
    """

    def __init__(self, network: PrompNetwork, explore: bool):
        """Wrap a network.

        Unless the agent explores, its actions are means; but those of the trials before
        the inner step are always samples, without which there is no policy gradient.
        """
        self._network = network
        self._explore = explore

    def begin(self, seeds: Sequence[int]):
        """Return to the initial parameters, at the start of new tasks."""
        self._rngs = [seeding.generator(seed, "actions") for seed in seeds]
        self.phi = self._network.initial(len(seeds))
        self._remaining = self._network.config.adaptation_trials
        self._trials = []

    def act(self, observation: np.ndarray, observed_reward: np.ndarray) -> np.ndarray:
        """Return actions of the parameters of each task."""
        del observed_reward
        policy = self._network.act(self.phi, observation)
        action = policy.mean.numpy()
        if self._explore or self._remaining:
            size = action.shape[1]
            noise = np.stack([rng.standard_normal(size) for rng in self._rngs])
            action += np.exp(policy.log_sigma.numpy()) * noise
        return action

    def learn(self, trial):
        """Take the inner step after the last of the first trials."""
        if not self._remaining:
            return
        self._trials.append(trial)
        self._remaining -= 1
        if not self._remaining:
            rewards = [trial.observed_reward for trial in self._trials]
            gathered = self._network.gather(self.phi, self._trials, rewards)
            self.phi = self._network.adapt(gathered)
