"""Learner of meta-learning from trials: rounds of trials, each followed by updates."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import tensorflow as tf

from wtl.collection import trials
from wtl.collection.task_pool import Attempt, TaskPool
from wtl.collection.trials import Agent, Trial
from wtl.datasets.contract import seeding
from wtl.policies.encoders.view import View
from wtl.policies.legacy_keras import tf_keras


class MetaLearner:
    """Makes trials in training tasks, and learns from them.

    Attributes:
      network_type: (view, config) -> network, restored from `network` of a checkpoint.
      agent_type: (network, explore) -> `wtl.collection.trials.Agent`.
      network: the network.
      parts: objects that a checkpoint holds, by name.
      directory: folder of checkpoints, and of data that they do not hold.
      steps_per_round: environment steps of a round.
      rounds: rounds of the whole training.
    """

    network_type: ClassVar[type]
    agent_type: ClassVar[type]

    def __init__(
        self,
        view: View,
        config: Any,
        pool: TaskPool,
        env_steps: int,
        *,
        seed: int,
        directory: pathlib.Path,
    ):
        """Create the network.

        Args:
          view: observation layers of networks.
          config: hyper-parameters.
          pool: the training tasks.
          env_steps: environment steps of the whole training, rounded up to rounds.
          seed: seed of all random draws.
          directory: see above.
        """
        tf_keras.utils.set_random_seed(seed % 2**32)
        self._config, self._seed = config, seed
        self.directory = directory
        self.steps_per_round = (
            config.tasks_per_round * config.trials_per_task * pool.horizon
        )
        self.rounds = -(-env_steps // self.steps_per_round)
        self.network = self.network_type(view, config)
        self.parts = {"network": self.network, **self._create_parts(pool)}
        self._update = tf.function(self._step, autograph=False)

    def _create_parts(self, pool: TaskPool) -> Mapping[str, Any]:
        """Create optimizers and data; return what checkpoints hold of them, by name."""
        raise NotImplementedError

    def _step(self, *batch: Any) -> Any:
        """Take a gradient step; `_update` is the compiled one."""
        raise NotImplementedError

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

    @classmethod
    def player(cls, network: Any, pool: TaskPool, attempts: Sequence[Attempt]) -> Agent:
        """Return the agent that is evaluated with a trained network in attempts."""
        del pool, attempts
        return cls.agent_type(network, explore=False)

    def _play(
        self, pool: TaskPool, number: int, agent: Agent
    ) -> tuple[list[Attempt], list[Trial]]:
        """Play the attempts of a round; return attempts and trials."""
        config = self._config
        attempts, seeds = draw_attempts(
            pool, config.tasks_per_round, self._seed, number
        )
        return attempts, trials.play(
            pool, agent, attempts, seeds, config.trials_per_task
        )


def draw_attempts(
    pool: TaskPool, count: int, seed: int, number: int
) -> tuple[list[Attempt], list[int]]:
    """Draw attempts, and a seed of the agent's noise in each.

    Args:
      pool: the tasks; each is drawn once before any is drawn again.
      count: number of attempts.
      seed: seed of training.
      number: number of the round.
    """
    attempts, seeds = [], []
    for place in range(number * count, (number + 1) * count):
        turn, index = divmod(place, pool.tasks)
        order = seeding.generator(seed, "tasks", turn).permutation(pool.tasks)
        rng = seeding.generator(seed, "goal", place)
        task = int(order[index])
        attempts.append(Attempt(task, int(rng.integers(pool.goals))))
        seeds.append(seeding.derive_seed(seed, "attempt", task, place))
    return attempts, seeds


def apply(optimizer, tape: tf.GradientTape, loss: tf.Tensor, variables):
    """Take a step of an optimizer down the gradient of a loss."""
    gradients = tape.gradient(loss, variables)
    optimizer.apply_gradients(zip(gradients, variables, strict=True))
