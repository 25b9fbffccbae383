"""PEARL at work: a draw of the posterior for each trial."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from wtl.datasets.contract import seeding
from wtl.policies.pearl.network import PearlNetwork, TrialContext


class PearlAgent:
    """Acts in N tasks at once; a `wtl.collection.trials.Agent`."""

    def __init__(self, network: PearlNetwork, explore: bool):
        """Acts with a network, which may be trained further.

        Args:
          network: the network.
          explore: whether actions are drawn rather than the most usual ones; the
            latent variable is drawn in any case.
        """
        self._network = network
        self._explore = explore

    def begin(self, seeds: Sequence[int]):
        """Forgets all trials; the latent variables are drawn from the prior."""
        self._seeds = list(seeds)
        self._trials = []
        self._start_from_prior()

    def act(self, observation: np.ndarray, felt: np.ndarray) -> np.ndarray:
        """Acts as if the tasks were those drawn; nothing is learnt within a trial."""
        del felt
        shape = (len(self._seeds), self._network.view.action_size)
        noise = np.zeros(shape, np.float32)
        if self._explore:
            noise = np.stack([rng.standard_normal(shape[1]) for rng in self._rngs])
        noise = noise.astype(np.float32)
        return self._network.act(observation, self.latent, noise).numpy()

    def learn(self, trial):
        """Infers the tasks from all trials so far, and draws anew."""
        self._trials.append(
            (trial.observation, np.clip(trial.action, -1, 1), trial.felt)
        )
        if len(self._trials) < self._network.config.prior_trials:
            self._start_from_prior()
            return
        observation, action, felt = (
            tf.constant(np.stack(parts, axis=1), tf.float32)
            for parts in zip(*self._trials, strict=True)
        )
        mask = tf.ones((len(self._seeds), len(self._trials)))
        mean, variance = self._network.infer(
            TrialContext(observation, action, felt, mask)
        )
        self._start(mean.numpy(), variance.numpy())

    def _start_from_prior(self):
        shape = (len(self._seeds), self._network.config.latent)
        self._start(np.zeros(shape), np.ones(shape))

    def _start(self, mean: np.ndarray, variance: np.ndarray):
        number = len(self._trials)
        self._rngs = [seeding.generator(seed, "trial", number) for seed in self._seeds]
        noise = np.stack([rng.standard_normal(mean.shape[1]) for rng in self._rngs])
        self.latent = (mean + np.sqrt(variance) * noise).astype(np.float32)
