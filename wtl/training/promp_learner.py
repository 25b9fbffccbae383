"""Meta-training of ProMP: on-policy, from the trials of one round at a time."""

import numpy as np
import tensorflow as tf

from wtl.collection.task_pool import TaskPool
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.promp import loss as losses
from wtl.policies.promp.agent import PrompAgent
from wtl.policies.promp.network import PrompNetwork
from wtl.training.meta_learner import MetaLearner, apply


class PrompLearner(MetaLearner):
    """Meta-learner of ProMP, whose checkpoints hold everything."""

    network_type = PrompNetwork
    agent_type = PrompAgent

    def _create_parts(self, pool):
        self._optimizer = tf_keras.optimizers.Adam(
            self._config.learning_rate, global_clipnorm=self._config.gradient_norm
        )
        return {"optimizer": self._optimizer}

    def round(self, pool: TaskPool, number: int) -> dict[str, float]:
        """Play trials, between which the agent adapts, then learn from them."""
        config = self._config
        agent = self.agent(explore=True)
        attempts, played = self._play(pool, number, agent)
        goal = np.array([attempt.goal for attempt in attempts])
        played = [trial.of_goal(goal) for trial in played]
        first = played[: config.adaptation_trials]
        further = played[config.adaptation_trials :]
        # The inner step is given what the agent observed, the outer loss the reward.
        gather, before = self.network.gather, None
        if first:
            initial = self.network.initial(len(goal))
            before = gather(initial, first, [t.observed_reward for t in first])
        after = gather(agent.phi, further, [trial.reward for trial in further])
        batch = losses.Batch(before, after)
        sums = np.zeros(len(losses.Losses._fields))
        for _ in range(config.epochs):
            sums += [float(value) for value in self._update(batch)]
        means = (sums / config.epochs).tolist()
        return dict(zip(losses.Losses._fields, means, strict=True))

    def _step(self, batch: losses.Batch) -> losses.Losses:
        with tf.GradientTape() as tape:
            result = losses.loss(self.network, batch)
        variables = self.network.trainable_variables
        apply(self._optimizer, tape, result.total, variables)
        return result
