"""Agent of PEARL, which samples the posterior for each trial."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from wtl.datasets.contract import seeding
from wtl.policies.pearl.network import PearlNetwork, TrialContext


class PearlAgent:
    """Acts in N tasks at once; a `wtl.collection.trials.Agent`."""

    def __init__(self, network: PearlNetwork, explore: bool):
        """Wrap a network; unless it explores, actions are medians, not samples."""
        self._network = network
        self._explore = explore

    def begin(self, seeds: Sequence[int]):
        """Forget all trials, and sample the latent variables from the prior."""
        self._seeds = list(seeds)
        self._trials = []
        self._start_from_prior()

    def act(self, observation: np.ndarray, observed_reward: np.ndarray) -> np.ndarray:
        """Return actions given the sampled latent variables, fixed within a trial."""
        del observed_reward
        shape = (len(self._seeds), self._network.view.action_size)
        noise = np.zeros(shape, np.float32)
        if self._explore:
            noise = np.stack([rng.standard_normal(shape[1]) for rng in self._rngs])
        noise = noise.astype(np.float32)
        return self._network.act(observation, self.latent, noise).numpy()

    def learn(self, trial):
        """Infer the tasks from all trials so far, and sample the posterior."""
        observation, action, _, observed_reward, _ = trial
        self._trials.append((observation, np.clip(action, -1, 1), observed_reward))
        if len(self._trials) < self._network.config.prior_trials:
            self._start_from_prior()
            return
        context = TrialContext(
            *(
                tf.constant(np.stack(parts, axis=1), tf.float32)
                for parts in zip(*self._trials, strict=True)
            ),
            mask=tf.ones((len(self._seeds), len(self._trials))),
        )
        mean, variance = self._network.infer(context)
        self._start(mean.numpy(), variance.numpy())

    def _start_from_prior(self):
        shape = (len(self._seeds), self._network.config.latent)
        self._start(np.zeros(shape), np.ones(shape))

    def _start(self, mean: np.ndarray, variance: np.ndarray):
        number = len(self._trials)
        self._rngs = [seeding.generator(seed, "trial", number) for seed in self._seeds]
        noise = np.stack([rng.standard_normal(mean.shape[1]) for rng in self._rngs])
        self.latent = (mean + np.sqrt(variance) * noise).astype(np.float32)
