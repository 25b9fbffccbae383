"""Agent that strikes pucks, better with each trial."""

from collections.abc import Sequence

import numpy as np

from wtl.datasets.contract import seeding
from wtl.policies import strikes
from wtl.policies.strikes.network import Evidence, StrikesNetwork


class StrikesAgent:
    """Acts in N tasks at once; a `wtl.collection.trials.Agent`.

    Attributes:
      trials: starts [N, K, D], latents [N, K, Z] and motions [N, K, M] of the K trials
        so far, see `StrikeView`.
    """

    def __init__(
        self,
        network: StrikesNetwork,
        explore: bool,
        *,
        proposes: bool = True,
        hidden: np.ndarray | None = None,
    ):
        """Wrap a network.

        Args:
          network: the network; its configuration says what evidence is given.
          explore: whether there is noise on the chosen latents.
          proposes: whether latents are chosen; else they are drawn from the prior.
          hidden: [N, H] hidden dynamics, which an oracle is given.
        """
        self._network, self._explore = network, explore
        self._proposes, self._hidden = proposes, hidden

    def begin(self, seeds: Sequence[int]):
        """Forget all trials, at the start of new tasks."""
        self._rngs = [seeding.generator(seed, "latents") for seed in seeds]
        # Candidates are shared, so that the choice does not depend on their number.
        self._search = seeding.generator("search")
        view, latent = self._network.view, self._network.config.latent
        sizes = view.start_size, latent, view.motion_size
        self.trials = [np.zeros((len(seeds), 0, size), np.float32) for size in sizes]
        self._step = 0

    def act(self, observation: np.ndarray, observed_reward: np.ndarray) -> np.ndarray:
        """Return actions; a whole strike is decided in its first step."""
        del observed_reward
        if self._step == 0:
            start = self._network.view.start(observation)
            wanted = self._network.view.wanted(observation)
            self._latent = self._choose(start, wanted.astype(np.float32))
            self._commands = self._network.decode(self._latent, start).numpy()
        count = self._network.view.commands
        self._step += 1
        if self._step <= count:
            return self._commands[:, self._step - 1]
        return np.tile(np.float32(self._network.view.rest), (len(observation), 1))

    def learn(self, trial):
        """Add a trial to the evidence."""
        view = self._network.view
        start = view.start(trial.observation[:, 0])
        new = start, self._latent, view.motion(trial.observation)
        self.trials = [
            np.concatenate([before, each[:, None]], axis=1, dtype=np.float32)
            for before, each in zip(self.trials, new, strict=True)
        ]
        self._step = 0

    def _choose(self, start: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        config = self._network.config
        noise = np.stack([rng.standard_normal(config.latent) for rng in self._rngs])
        if not self._proposes:
            return noise.astype(np.float32)
        shape = config.iterations, config.candidates, config.latent
        search = self._search.standard_normal(shape, np.float32)
        latent = self._network.propose(self._evidence(), start, wanted, search).numpy()
        if self._explore:
            latent = latent + config.exploration * noise
        return latent.astype(np.float32)

    def _evidence(self) -> Evidence:
        given, view = self._network.config.evidence, self._network.view
        trials = self.trials
        count, number = trials[0].shape[:2]
        if given == strikes.ANOTHER:
            trials = [np.roll(each, 1, axis=0) for each in trials]
        is_oracle = given == strikes.ORACLE
        uses = given in (strikes.OWN, strikes.ANOTHER)
        hidden = self._hidden if is_oracle else np.zeros((count, view.hidden))
        return Evidence(
            *trials,
            np.full((count, number), uses, np.float32),
            np.asarray(hidden, np.float32),
            np.full(count, is_oracle, np.float32),
        )
