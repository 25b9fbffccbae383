"""Learner of meta-learning from trials: rounds of trials, each followed by updates."""

import pathlib
from collections.abc import Mapping
from typing import Any, ClassVar

from wtl.collection import trials
from wtl.collection.task_pool import TaskPool
from wtl.collection.trials import Agent, Trial
from wtl.policies.encoders.view import View
from wtl.policies.legacy_keras import tf_keras
from wtl.training.attempts import draw_attempts


class MetaLearner:
    """Makes trials in training tasks, and learns from them.

    Attributes:
      config_type: class of the hyper-parameters.
      network_type: (view, config) -> network, restored from `network` of a checkpoint.
      agent_type: (network, explore) -> `wtl.collection.trials.Agent`.
      network: the network.
      parts: objects that a checkpoint holds, by name.
      steps_per_round: environment steps of a round.
    """

    config_type: ClassVar[type]
    network_type: ClassVar[type]
    agent_type: ClassVar[type]
    parts: Mapping[str, Any]

    def __init__(
        self,
        view: View,
        config: Any,
        pool: TaskPool,
        env_steps: int,
        *,
        seed: int,
        directory: pathlib.Path | None,
    ):
        """Create the network.

        Args:
          view: observation layers of networks.
          config: hyper-parameters, a `config_type`.
          pool: the training tasks.
          env_steps: environment steps of the whole training.
          seed: seed of all random draws.
          directory: folder of data that checkpoints do not hold.
        """
        del env_steps, directory
        tf_keras.utils.set_random_seed(seed % 2**32)
        self._config, self._seed = config, seed
        self._trials = config.tasks_per_round * config.trials_per_task
        self.steps_per_round = self._trials * pool.horizon
        self.network = self.network_type(view, config)

    def round(self, pool: TaskPool, number: int) -> dict[str, float]:
        """Play one round of trials and learn; return its losses, if any.

        All random draws derive from the number of the round, so that an interrupted
        and resumed run gives the same result.
        """
        raise NotImplementedError

    def keep(self):
        """Make durable what checkpoints do not hold."""

    def resume(self, rounds: int):
        """Return to the state after a number of rounds, besides the checkpoint."""

    def agent(self, explore: bool) -> Agent:
        """Return an agent that acts with the present network."""
        return self.agent_type(self.network, explore)

    def _play(
        self, pool: TaskPool, number: int, agent: Agent
    ) -> tuple[list, list[Trial]]:
        """Play the attempts of a round; return attempts and trials."""
        config = self._config
        attempts, seeds = draw_attempts(
            pool, config.tasks_per_round, self._seed, number
        )
        return attempts, trials.play(
            pool, agent, attempts, seeds, config.trials_per_task
        )
