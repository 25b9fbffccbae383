"""Meta-training of latent strikes: in hindsight, from the trials of all rounds."""

import numpy as np
import tensorflow as tf

from wtl.collection.task_pool import Attempt, TaskPool
from wtl.datasets.contract import seeding
from wtl.datasets.contract.progress import progress
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.strikes import loss as losses
from wtl.policies.strikes.agent import StrikesAgent
from wtl.policies.strikes.network import Evidence, StrikesNetwork
from wtl.training.meta_learner import MetaLearner, apply

_GENERATOR_RATE = 2e-3  # initial learning rate
_STRIKES_PER_SCENE = 20  # of those that the generative model learns


class StrikesLearner(MetaLearner):
    """Meta-learner of latent strikes, whose checkpoints hold everything.

    Of several strikes of one puck, one is to be predicted, and some others are the
    trials that are known: all strikes teach, wherever the targets were.
    """

    network_type = StrikesNetwork
    agent_type = StrikesAgent

    @classmethod
    def player(cls, network: StrikesNetwork, pool: TaskPool, attempts: list[Attempt]):
        """See the base class; an oracle is given the hidden dynamics."""
        del cls
        hidden = pool.hidden[[attempt.task for attempt in attempts]]
        return StrikesAgent(network, explore=False, hidden=hidden)

    def _create_parts(self, pool):
        config, view = self._config, self.network.view
        self._pool = pool
        steps = self.rounds * config.updates_per_round
        rate = tf_keras.optimizers.schedules.CosineDecay(config.learning_rate, steps)
        self._optimizer = tf_keras.optimizers.Adam(rate, global_clipnorm=10.0)
        # Of all attempts: starts, latents, motions and hidden dynamics.
        attempts = self.rounds * config.tasks_per_round
        sizes = view.start_size, config.latent, view.motion_size
        shapes = [(attempts, config.trials_per_task, size) for size in sizes]
        shapes.append((attempts, view.hidden))
        self._played = [tf.Variable(tf.zeros(s), trainable=False) for s in shapes]
        return {"optimizer": self._optimizer, "played": self._played}

    def resume(self, rounds: int):
        """Train the generative model first, on scripted strikes of training scenes."""
        if rounds:
            return
        network, config, pool = self.network, self._config, self._pool
        start, scripted = [], []
        rng = seeding.generator(self._seed, "generator")
        count, batch = pool.tasks, config.tasks_per_round
        for low in range(0, count, batch):
            tasks = range(low, min(low + batch, count))
            observed = pool.reset([Attempt(task) for task in tasks])
            start.append(network.view.start(observed))
            drawn = [pool.scripted(observed, rng) for _ in range(_STRIKES_PER_SCENE)]
            scripted.append(np.stack(drawn, axis=1))
        start, scripted = np.concatenate(start), np.concatenate(scripted)
        network.standardise(start, pool.hidden.astype(np.float32))
        steps = config.generator_steps
        rate = tf_keras.optimizers.schedules.CosineDecay(_GENERATOR_RATE, steps)
        optimizer = tf_keras.optimizers.Adam(rate)

        @tf.function(autograph=False)
        def update(*given):
            with tf.GradientTape() as tape:
                loss = losses.generator_loss(network, *given)
            apply(optimizer, tape, loss, network.generator.trainable_variables)

        for _ in progress(range(steps), desc="train generator", unit="step"):
            rows = rng.integers(count, size=config.batch)
            strike = rng.integers(_STRIKES_PER_SCENE, size=config.batch)
            noise = rng.standard_normal((config.batch, config.latent), np.float32)
            update(*map(tf.constant, (scripted[rows, strike], start[rows], noise)))

    def round(self, pool: TaskPool, number: int) -> dict[str, float]:
        """Play trials, and learn from them and all before."""
        config = self._config
        agent = StrikesAgent(
            self.network, explore=True, proposes=number >= config.first_rounds
        )
        attempts, _ = self._play(pool, number, agent)
        hidden = pool.hidden[[attempt.task for attempt in attempts]]
        first = number * config.tasks_per_round
        self._count = first + len(attempts)
        for kept, given in zip(self._played, (*agent.trials, hidden), strict=True):
            kept[first : self._count].assign(given.astype(np.float32))
        total = 0.0
        for i in range(config.updates_per_round):
            rng = seeding.generator(self._seed, "update", number, i)
            total += float(self._update(*map(tf.constant, self._draw(rng))))
        return {"outcome": total / config.updates_per_round}

    def _draw(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Draw attempts [B], orders of their trials [B, K], and what is known of them.

        The first trial of an order is to be predicted. Of the others the first few are
        known, or else [B] the hidden dynamics are.
        """
        config = self._config
        shape = config.batch, config.trials_per_task
        order = rng.random(shape).argsort(axis=1)
        known = np.arange(shape[1] - 1) < rng.integers(shape[1], size=(shape[0], 1))
        given = rng.random(config.batch) < config.oracle_share
        valid = (known & ~given[:, None]).astype(np.float32)
        attempt = rng.integers(self._count, size=config.batch)
        return attempt, order, valid, given.astype(np.float32)

    def _step(self, attempt, order, valid, given):
        *trials, hidden = (tf.gather(kept, attempt) for kept in self._played)
        trials = [tf.gather(each, order, batch_dims=1) for each in trials]
        others = (each[:, 1:] for each in trials)
        start, latent, motion = (each[:, 0] for each in trials)
        with tf.GradientTape() as tape:
            loss = losses.outcome_loss(
                self.network,
                Evidence(*others, valid, hidden, given),
                start,
                latent,
                motion[:, -2:],
            )
        apply(self._optimizer, tape, loss, self.network.outcome_variables)
        return loss
