"""Learner of one task, which selects a target and acts, from all episodes so far."""

import tensorflow as tf
from tf_agents.trajectories import policy_step, trajectory
from tf_agents.trajectories import time_step as ts

from wtl.policies.bc_sac import agent as agents
from wtl.policies.bc_sac import config as configs
from wtl.policies.bc_sac import network as networks
from wtl.policies.bc_sac import replay as replays
from wtl.policies.context_policy import specs
from wtl.policies.contextual import context as contexts
from wtl.policies.contextual import network as contextual
from wtl.policies.heads import mixture_density

# XLA takes a third of the time of an update; compiling pays off from this many.
_WORTH_COMPILING = 1000
_TIE = 1e-4  # nats by which the earlier of two slots is preferred


class Learner:
    """Agent with its replay buffer.

    States have their entities in slots by identity. Without noise it acts greedily, at
    first exactly as the initial policy.

    Attributes:
      network: contextual network whose actor is trained.
      replay: replay buffer.
    """

    def __init__(
        self,
        network: contextual.ContextualNetwork,
        start: contextual.ContextualNetwork | None,
        demo: contexts.ContextEpisodes | None,
        config: configs.SacConfig,
        capacity: int,
        horizon: int,
        seed: int,
    ):
        """Create a learner.

        Args:
          network: network whose actor is trained.
          start: copy of it that is not trained; None for random initial weights.
          demo: [1, 1, ...] the demonstration, if the policy is given one.
          config: hyper-parameters.
          capacity: episodes in all.
          horizon: T, steps of an episode.
          seed: of batches and of the noise in learning.
        """
        layout = network.layout
        self._config = config
        self.network, self._start, self._demo = network, start, demo
        first = tf.zeros((1, layout.state_size))
        embedding = network.encode(self._context(first)).embedding
        random = tf.random.Generator.from_seed(seed)
        self.replay = replays.Replay(
            capacity,
            horizon,
            layout.state_size,
            network.config.action_size,
            layout.size,
            random,
        )
        observation_spec = tf.nest.map_structure(
            lambda value: tf.TensorSpec(value.shape[1:], value.dtype),
            self._observe(
                first, tf.zeros(1, tf.int32), tf.zeros((1, 2 * layout.size), tf.int32)
            ),
        )
        _, action_spec = specs(layout.state_size, network.config.action_size)
        time_step_spec = ts.time_step_spec(observation_spec)

        def actor(of):
            created = networks.Actor(of, embedding, observation_spec)
            created.create_variables(observation_spec)
            return created

        self._actor = actor(network)
        self._agent = agents.BcSacAgent(
            time_step_spec,
            action_spec,
            self._actor,
            None if start is None else actor(start),
            config,
            random,
        )
        self._agent.initialize()
        self._updates = tf.function(
            self._update_often,
            autograph=False,
            jit_compile=capacity * config.updates_per_trial >= _WORTH_COMPILING,
        )

    @tf.function(autograph=False)
    def choose(
        self, state: tf.Tensor, places: tf.Tensor, slots: tf.Tensor, gumbel: tf.Tensor
    ) -> tf.Tensor:
        """Select the targets of N episodes.

        The selection maximises value less divergence from the initial policy, in units
        of the temperature, which has a closed form. Before the first update all values
        are 0.

        Args:
          state: [N, S] first states.
          places: [N, E] places of the entities of each kind, from the left.
          slots: [N, E] slots that they were observed in.
          gumbel: [N, E] standard Gumbel noise, or zeros for the likeliest.

        Returns:
          [N] slots.
        """
        entities = self.network.config.entities
        # BC gives all entities of a kind the same logit; the first is selected.
        base = self._base(state) - _TIE * tf.cast(slots, tf.float32)
        observation = self._observe(
            tf.repeat(state, entities, axis=0),
            tf.tile(tf.range(entities), (tf.shape(state)[0],)),
            tf.repeat(places, entities, axis=0),
        )
        action = _mode(self._actor.mixture(observation[networks.SKILL]))
        value = tf.clip_by_value(self._agent.value(observation, action), 0.0, 1.0)
        gain = tf.reshape(value, (-1, entities)) / self._config.choice_temperature
        return tf.argmax(base + gain + gumbel, axis=-1, output_type=tf.int32)

    @tf.function(autograph=False)
    def act(
        self, state: tf.Tensor, target: tf.Tensor, point: tf.Tensor, normal: tf.Tensor
    ) -> tf.Tensor:
        """Return actions [N, A] in [-1, 1].

        Args:
          state: [N, S] states.
          target: [N] slots of the selected targets.
          point: [N] in [0, 1) that picks the component, see
            `mixture_density.component`: uniform noise, or `mixture_density.turn`.
          normal: [N, A] standard normal noise on the action, or zeros.
        """
        one_hot = tf.one_hot(target, self.network.config.entities)
        skill = self.network.skill_inputs(state, one_hot)
        mixture = self._actor.mixture(skill)
        logits = mixture.mixture_distribution.logits
        picked = mixture_density.component(logits, point)
        components = mixture.components_distribution
        mean, sigma = (
            tf.gather(value, picked, batch_dims=1)
            for value in (components.mean(), components.stddev())
        )
        return tf.clip_by_value(mean + sigma * normal, -1.0, 1.0)

    def update(self, trials: int, updates: int) -> dict[str, float]:
        """Take gradient steps after so many trials, and return mean losses by name."""
        config = self._config
        self._agent.actor_weight.assign(float(trials >= config.warmup_trials))
        half_lives = trials / config.anchor_half_life
        self._agent.anchor.assign(config.anchor * 0.5**half_lives)
        losses = self._updates(tf.constant(updates))
        return {name: float(value) for name, value in losses.items()}

    def _update_often(self, count: tf.Tensor) -> dict[str, tf.Tensor]:
        names = ("critic", "actor")

        def update(i, *total):
            transition, successful = self._draw()
            info = self._agent.train_on(transition, successful).extra
            losses = (info.critic_loss, info.actor_loss)
            return i + 1, *(t + loss for t, loss in zip(total, losses, strict=True))

        _, *total = tf.while_loop(
            lambda i, *_: i < count,
            update,
            (tf.constant(0), *(tf.constant(0.0) for _ in names)),
            parallel_iterations=1,
        )
        mean = 1 / tf.cast(tf.maximum(count, 1), tf.float32)
        return {name: mean * value for name, value in zip(names, total, strict=True)}

    def _draw(self):
        config, replay = self._config, self.replay
        batch = config.batch_size
        rows, successful = replay.draw_rows(batch, config)
        time, span = replay.draw_steps(batch, config)
        horizon = replay.action.shape[1]

        def at(values, times):
            # XLA gathers from tensors only.
            values = tf.convert_to_tensor(values)
            return tf.gather_nd(values, tf.stack([rows, times], axis=1))

        target, places = tf.gather(replay.target, rows), tf.gather(replay.places, rows)
        states = tf.concat([at(replay.state, time), at(replay.state, time + span)], 0)
        both = self._observe(states, tf.tile(target, (2,)), tf.tile(places, (2, 1)))
        now = tf.nest.map_structure(lambda value: value[:batch], both)
        then = tf.nest.map_structure(lambda value: value[batch:], both)
        ended = tf.cast(time + span == horizon, tf.float32)
        discount = config.discount ** tf.cast(span - 1, tf.float32)
        reward = discount * ended * tf.gather(replay.success, rows)
        middle = tf.fill((batch,), tf.constant(ts.StepType.MID))
        zeros = tf.zeros(batch)
        return (
            trajectory.Transition(
                time_step=ts.TimeStep(middle, zeros, tf.ones(batch), now),
                action_step=policy_step.PolicyStep(at(replay.action, time)),
                next_time_step=ts.TimeStep(
                    middle, reward, discount * (1 - ended), then
                ),
            ),
            successful,
        )

    def _observe(self, state, target, places):
        size = self.network.layout.size
        return networks.observe(
            self.network,
            state,
            tf.one_hot(target, 2 * size),
            tf.one_hot(tf.gather(places, target, batch_dims=1), size),
        )

    def _base(self, state: tf.Tensor) -> tf.Tensor:
        """Return logits [N, E] of the initial policy, over targets."""
        if self._start is None:
            return tf.zeros((tf.shape(state)[0], self.network.config.entities))
        return self._start.encode(self._context(state)).target_logits

    def _context(self, state: tf.Tensor) -> contexts.Context:
        count = tf.shape(state)[0]
        demos = self._demo and contexts.ContextEpisodes(
            *(tf.repeat(value, count, axis=0) for value in self._demo)
        )
        # No initial policy reads more.
        return contexts.Context(demos, demos, None, state, None)


def _mode(mixture) -> tf.Tensor:
    """Return the mean [N, A] of the heaviest component."""
    heaviest = tf.argmax(mixture.mixture_distribution.logits, axis=-1)
    return tf.gather(mixture.components_distribution.mean(), heaviest, batch_dims=1)
