"""Meta-training of RL²: on-policy, from the trials of one round at a time."""

import numpy as np
import tensorflow as tf

from wtl.collection.task_pool import TaskPool
from wtl.collection.trials import Trial
from wtl.datasets.contract import seeding
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.rl2 import loss as losses
from wtl.policies.rl2.advantage import advantages
from wtl.policies.rl2.agent import Rl2Agent
from wtl.policies.rl2.network import Experience, Rl2Network
from wtl.training.meta_learner import MetaLearner, apply


class Rl2Learner(MetaLearner):
    """Meta-learner of RL², whose checkpoints hold everything."""

    network_type = Rl2Network
    agent_type = Rl2Agent

    def _create_parts(self, pool):
        self._optimizer = tf_keras.optimizers.Adam(
            self._config.learning_rate, global_clipnorm=self._config.gradient_norm
        )
        self._recall = tf.function(self.network.recall, autograph=False)
        return {"optimizer": self._optimizer}

    def round(self, pool: TaskPool, number: int) -> dict[str, float]:
        """Play trials, then learn from them for a few epochs."""
        config = self._config
        attempts, played = self._play(pool, number, self.agent(explore=True))
        goal = np.array([attempt.goal for attempt in attempts])
        batch = self._batch([trial.of_goal(goal) for trial in played])
        sums = np.zeros(len(losses.Losses._fields))
        count = config.epochs * config.minibatches
        for epoch in range(config.epochs):
            rng = seeding.generator(self._seed, "epoch", number, epoch)
            order = rng.permutation(len(attempts))
            for rows in np.array_split(order, config.minibatches):
                part = tf.nest.map_structure(lambda x, r=rows: tf.constant(x[r]), batch)
                sums += [float(value) for value in self._update(part)]
        return dict(zip(losses.Losses._fields, (sums / count).tolist(), strict=True))

    def _batch(self, played: list[Trial]) -> losses.Batch:
        """All trials of each task, one after another."""
        config = self._config

        def joined(values):
            return np.concatenate(list(values), axis=1).astype(np.float32)

        action = joined(trial.action for trial in played)
        reward = joined(trial.reward for trial in played)
        observed = joined(trial.observed_reward for trial in played)
        first = np.zeros_like(observed)
        first[:, :: played[0].action.shape[1]] = 1

        def before(values):
            return np.concatenate([np.zeros_like(values[:, :1]), values[:, :-1]], 1)

        experience = Experience(
            joined(trial.observation[:, :-1] for trial in played),
            before(np.clip(action, -1, 1)),
            before(observed),
            first,
        )
        outlook = self._recall(Experience(*map(tf.constant, experience)))
        value = outlook.value.numpy()
        gained = advantages(
            config.reward_scale * reward, value, config.discount, config.trace
        )
        return losses.Batch(
            experience=experience,
            action=action,
            log_density=self.network.log_density(outlook.mean, action).numpy(),
            advantage=(gained - gained.mean()) / (gained.std() + 1e-8),
            outcome=gained + value,
        )

    def _step(self, batch: losses.Batch) -> losses.Losses:
        with tf.GradientTape() as tape:
            result = losses.loss(self.network, batch)
        variables = self.network.trainable_variables
        apply(self._optimizer, tape, result.total, variables)
        return result
