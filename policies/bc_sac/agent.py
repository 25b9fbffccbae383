"""TF-Agents' SAC for sparse rewards, from an initial policy.

- The actor is a mixture; its loss is the exact expectation over the components.
- The entropy of later actions is no part of the return (Ball et al. 2023), which is 0
  or 1 at the end of the episode.
- Successful actions are imitated (Oh et al. 2018), and a decaying cross-entropy keeps
  the actor near the initial policy.
"""

import tensorflow as tf
from tf_agents.agents.sac import sac_agent
from tf_agents.utils import common

from wtl.policies.bc_sac import config as configs
from wtl.policies.bc_sac import network as networks
from wtl.policies.legacy_keras import tf_keras


class BcSacAgent(sac_agent.SacAgent):
    """SAC on transitions, see `Replay`."""

    def __init__(
        self,
        time_step_spec,
        action_spec,
        actor: networks.Actor,
        start: networks.Actor | None,
        config: configs.SacConfig,
        random: tf.random.Generator,
    ):
        """Create the critics.

        Args:
          time_step_spec: with the observation of `networks.observe`.
          action_spec: spec of the actions.
          actor: actor to train.
          start: actor of the initial policy, if any.
          config: hyper-parameters.
          random: source of all noise in learning: XLA ignores the global seed.
        """
        critics = [
            networks.Critic(
                config.critic_hidden, time_step_spec.observation, action_spec, name
            )
            for name in ("critic_1", "critic_2", "target_1", "target_2")
        ]
        adam = tf_keras.optimizers.legacy.Adam
        super().__init__(
            time_step_spec,
            action_spec,
            critic_network=critics[0],
            critic_network_2=critics[1],
            target_critic_network=critics[2],
            target_critic_network_2=critics[3],
            actor_network=actor,
            actor_optimizer=adam(config.actor_learning_rate),
            critic_optimizer=adam(config.critic_learning_rate),
            alpha_optimizer=adam(config.alpha_learning_rate),
            target_update_tau=config.target_tau,
            td_errors_loss_fn=common.element_wise_squared_loss,
            gamma=config.discount,
            initial_log_alpha=float(tf.math.log(config.initial_alpha)),
            target_entropy=config.target_entropy,
            gradient_clipping=10.0,
            train_step_counter=tf.Variable(0, dtype=tf.int64),
        )
        self._start = start
        self._random = random
        self._imitation = config.imitation
        # Set by the learner: whether the actor is trained, and weight of the anchor.
        self.actor_weight = tf.Variable(1.0, trainable=False)
        self.anchor = tf.Variable(0.0, trainable=False)
        # Actions of the batch, and 1 where the transition is from a successful episode.
        self._successful = None

    def train_on(self, transition, successful: tf.Tensor):
        """Take a gradient step; actions with `successful` [B] of 1 are imitated."""
        self._successful = (transition.action_step.action, successful)
        return self._train(transition, weights=None)

    def value(self, observation, action: tf.Tensor) -> tf.Tensor:
        """Return the lesser of both critics' values [N], without bounds."""
        first, second = (
            critic((observation, action), training=False)[0]
            for critic in (self._critic_network_1, self._critic_network_2)
        )
        return tf.minimum(first, second)

    def critic_loss(
        self,
        time_steps,
        actions,
        next_time_steps,
        td_errors_loss_fn,
        gamma=1.0,
        **unused,
    ):
        """Return the TD error without the entropy of later actions."""
        del unused
        then = next_time_steps.observation
        later, _ = self._actor_network(then)
        taken = later.sample(seed=self._seed())
        targets = [
            critic((then, taken), training=False)[0]
            for critic in (self._target_critic_network_1, self._target_critic_network_2)
        ]
        # Returns are known to be from 0 to 1.
        value = tf.clip_by_value(tf.minimum(*targets), 0.0, 1.0)
        goal = tf.stop_gradient(
            next_time_steps.reward + gamma * next_time_steps.discount * value
        )
        now = (time_steps.observation, actions)
        return tf.add_n(
            [
                tf.reduce_mean(td_errors_loss_fn(goal, critic(now, training=True)[0]))
                for critic in (self._critic_network_1, self._critic_network_2)
            ]
        )

    def actor_loss(self, time_steps, weights=None, training=True):
        """Return the expectation over the components, with imitation and anchor."""
        del weights, training
        observation = time_steps.observation
        mixture, _ = self._actor_network(observation)
        share = tf.nn.softmax(mixture.mixture_distribution.logits)
        action = mixture.components_distribution.sample(seed=self._seed())  # [B, M, A]
        batch, count, size = action.shape[0], share.shape[-1], action.shape[-1]

        def repeated(value):
            wide = tf.broadcast_to(value[:, None], (batch, count, value.shape[-1]))
            return tf.reshape(wide, (batch * count, value.shape[-1]))

        value = tf.reshape(
            self.value(
                tf.nest.map_structure(repeated, observation),
                tf.reshape(action, (batch * count, size)),
            ),
            (batch, count),
        )
        log_density = tf.transpose(mixture.log_prob(tf.transpose(action, (1, 0, 2))))
        alpha = tf.exp(tf.stop_gradient(self._log_alpha))
        loss = tf.reduce_mean(
            tf.reduce_sum(share * (alpha * log_density - value), axis=-1)
        )
        taken, successful = self._successful
        loss -= self._imitation * tf.reduce_mean(successful * mixture.log_prob(taken))
        if self._start is not None:
            initial, _ = self._start(observation)
            sampled = tf.stop_gradient(initial.sample(seed=self._seed()))
            loss -= self.anchor * tf.reduce_mean(mixture.log_prob(sampled))
        return self.actor_weight * loss

    def _actions_and_log_probs(self, time_steps, training=False):
        del training
        mixture, _ = self._actor_network(time_steps.observation)
        action = mixture.sample(seed=self._seed())
        return action, mixture.log_prob(action)

    def _seed(self) -> tf.Tensor:
        """Return a seed [2] for one draw."""
        return tf.cast(self._random.make_seeds()[:, 0], tf.int32)
