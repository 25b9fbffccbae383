"""Meta-training of PEARL: off-policy, from the trials of all rounds."""

import numpy as np
import tensorflow as tf

from wtl.collection.random_actor import RandomActor
from wtl.collection.task_pool import TaskPool
from wtl.datasets.contract import seeding
from wtl.policies import axes
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.pearl import loss as losses
from wtl.policies.pearl.agent import PearlAgent
from wtl.policies.pearl.network import PearlNetwork, TrialContext
from wtl.policies.pearl.replay import Drawn, Replay
from wtl.training.meta_learner import MetaLearner, apply


class PearlLearner(MetaLearner):
    """Meta-learner of PEARL; its folder holds the replay buffer."""

    network_type = PearlNetwork
    agent_type = PearlAgent

    def _create_parts(self, pool):
        config = self._config
        self._horizon, self._terminal = pool.horizon, pool.terminal
        self._trials = config.tasks_per_round * config.trials_per_task
        self._optimizers = {
            name: tf_keras.optimizers.Adam(config.learning_rate)
            for name in ("critic", "actor", "temperature")
        }
        self.replay = Replay(
            self.directory / "replay",
            self.rounds * self._trials,
            horizon=pool.horizon,
            observation_size=pool.observation_size,
            action_size=pool.action_size,
            goals=pool.goals,
        )
        return self._optimizers

    def keep(self):
        """Flush the replay buffer to its files."""
        self.replay.flush()

    def resume(self, rounds: int):
        """Drop the trials of later rounds."""
        self.replay.restore(rounds * self._trials)

    def round(self, pool: TaskPool, number: int) -> dict[str, float]:
        """Play trials with posterior sampling between them, then learn."""
        config = self._config
        agent = self.agent(explore=True)
        if number < config.first_rounds:
            agent = RandomActor(pool.action_size)
        attempts, played = self._play(pool, number, agent)
        task = np.array([attempt.task for attempt in attempts])
        for trial in played:
            self.replay.add(task, trial)
        if number + 1 < config.first_rounds:
            return {}
        means = {}
        for i in range(config.updates_per_round):
            rng = seeding.generator(self._seed, "update", number, i)
            drawn = self.replay.draw(
                rng,
                config.meta_batch,
                config.batch,
                config.context_trials,
                config.recent_trials,
            )
            result = self._update(self._gather(drawn), self._noise(rng))
            for name, value in result.items():
                means[name] = means.get(name, 0.0) + value / config.updates_per_round
        return {name: float(value) for name, value in means.items()}

    def _gather(self, drawn: Drawn) -> losses.Batch:
        replay, present = self.replay, drawn.context >= 0
        rows = np.maximum(drawn.context, 0)
        goal = drawn.goal[:, None]
        last = drawn.step == self._horizon - 1
        discount = np.full(last.shape, self._config.discount, np.float32)
        if self._terminal:
            discount[last] = 0
        context = TrialContext(
            replay.observation[rows],
            replay.action[rows],
            replay.observed_reward[
                rows[..., None], np.arange(self._horizon), goal[..., None]
            ],
            present.astype(np.float32),
        )
        return losses.Batch(
            context=TrialContext(*map(tf.constant, context)),
            observation=tf.constant(replay.observation[drawn.trial, drawn.step]),
            action=tf.constant(replay.action[drawn.trial, drawn.step]),
            reward=tf.constant(replay.reward[drawn.trial, drawn.step, goal]),
            discount=tf.constant(discount),
            next_observation=tf.constant(
                replay.observation[drawn.trial, drawn.step + 1]
            ),
        )

    def _noise(self, rng: np.random.Generator) -> losses.Noise:
        config, acts = self._config, self.network.view.action_size
        count = config.meta_batch * config.batch
        return losses.Noise(
            *(
                tf.constant(rng.standard_normal(shape, np.float32))
                for shape in (
                    (config.meta_batch, config.latent),
                    (count, acts),
                    (count, acts),
                )
            )
        )

    def _step(self, batch: losses.Batch, noise: losses.Noise) -> dict[str, tf.Tensor]:
        network = self.network
        taught = network.inference.variables + network.critics.variables
        with tf.GradientTape() as tape:
            critique = losses.critique(network, batch, noise)
        apply(self._optimizers["critic"], tape, critique.total, taught)
        observation = axes.merge(batch.observation)
        latent = tf.stop_gradient(critique.latent)
        with tf.GradientTape() as tape:
            actor, entropy = losses.actor_loss(
                network, observation, latent, noise.action
            )
        apply(self._optimizers["actor"], tape, actor, network.actor.variables)
        with tf.GradientTape() as tape:
            temperature = losses.temperature_loss(network, entropy)
        variables = [network.log_temperature]
        apply(self._optimizers["temperature"], tape, temperature, variables)
        network.follow(self._config.target_rate)
        return {
            "bellman": critique.bellman,
            "divergence": critique.divergence,
            "actor": actor,
            "entropy": entropy,
            "temperature": tf.exp(network.log_temperature),
        }
