"""Agent of RL², whose memory is kept from trial to trial of a task."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from wtl.datasets.contract import seeding
from wtl.policies.rl2.network import Experience, Rl2Network


class Rl2Agent:
    """Acts in N tasks at once; a `wtl.collection.trials.Agent`.

    Attributes:
      memory: [N, H] recurrent state in each task.
    """

    def __init__(self, network: Rl2Network, explore: bool):
        """Wrap a network; unless it explores, actions are means, not samples."""
        self._network = network
        self._explore = explore

    def begin(self, seeds: Sequence[int]):
        """Empty the memory, at the start of new tasks."""
        count = len(seeds)
        self._rngs = [seeding.generator(seed, "actions") for seed in seeds]
        self.memory = tf.zeros((count, self._network.config.memory))
        self._last = np.zeros((count, self._network.view.action_size), np.float32)
        self._first = np.ones(count, np.float32)

    def act(self, observation: np.ndarray, observed_reward: np.ndarray) -> np.ndarray:
        """Return actions, and update the memory."""
        reward = observed_reward.astype(np.float32)
        self.memory, outlook = self._network.step(
            self.memory, Experience(observation, self._last, reward, self._first)
        )
        action = outlook.mean.numpy()
        if self._explore:
            size = action.shape[1]
            noise = np.stack([rng.standard_normal(size) for rng in self._rngs])
            action += np.exp(self._network.log_sigma.numpy()) * noise
        self._last = np.clip(action, -1, 1)
        self._first = np.zeros(len(action), np.float32)
        return action

    def learn(self, trial):
        """Mark the next step as the first of a trial; it observes the last reward."""
        del trial
        self._first = np.ones_like(self._first)
