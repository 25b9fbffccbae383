"""Reinforcement learning of one task: start, observations and replay buffer."""

import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from wtl.collection import reinforcement_rollout
from wtl.collection.vector_environment import VectorEnvironment
from wtl.collection.worlds.entities.rule import Rule, RuleKind
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.tabletop import environment as tabletop_environment
from wtl.collection.worlds.tabletop import object_set, observation
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.policies.bc_sac import config as configs
from wtl.policies.bc_sac.learner import Learner
from wtl.policies.contextual import context as contexts
from wtl.policies.heads import mixture_density
from wtl.policies.methods import METHODS
from wtl.training.policy_config import config_for

SIZE = 3
LAYOUT = observation.Layout(SIZE)
TASK = Task(
    object_set.draw("val-0", SIZE, 0), "press", 0.8, "val", Rule(RuleKind.IDENTITY, 1)
)
CONFIG = configs.SacConfig(
    critic_hidden=(16, 16), batch_size=16, updates_per_trial=1, warmup_trials=4
)
HORIZON = tabletop_environment.HORIZON


def _scene_configs(count: int, first: int = 0) -> list[SceneConfig]:
    seeds = range(first, first + count)
    return [TASK.scene(seed) for seed in seeds]


@functools.cache
def _first_states(count: int) -> np.ndarray:
    env = tabletop_environment.Manipulation(_scene_configs(1)[0])
    states = []
    for scene_config in _scene_configs(count):
        env.prepare(scene_config)
        states.append(env.reset().observation[fields.STATE])
    return np.stack(states)


def _play(environments, learner, scenes, seeds):
    return reinforcement_rollout.play(environments, learner, LAYOUT, scenes, seeds)


def _network(method: str):
    """A network with weights of its own, the same at every call."""
    tf.keras.utils.set_random_seed(7)
    config = dataclasses.replace(
        config_for(method, TaskDistribution()), hidden=(32, 32), context_frames=6
    )
    network = METHODS[method].kind.network(config)
    state = tf.constant(_first_states(1))
    context = contexts.Context(_shown(config), None, None, state, None)
    embedding = network.encode(context).embedding
    network.act(state, embedding, tf.zeros((1, 2 * SIZE))).predict(None)
    return network


def _shown(config) -> contexts.ContextEpisodes:
    rng = np.random.default_rng(1)
    frames = np.repeat(_first_states(1)[:, None, None], config.context_frames, axis=2)
    frames = frames + 0.01 * rng.standard_normal(frames.shape)
    action = rng.uniform(-1, 1, (*frames.shape[:3], config.action_size))
    return contexts.ContextEpisodes(
        tf.constant(frames, tf.float32),
        tf.constant(action, tf.float32),
        tf.ones((1, 1)),
        tf.ones((1, 1)),
    )


def _learner(
    method: str = "bc", config=CONFIG, scratch: bool = False, capacity: int = 80
) -> Learner:
    network, start = _network(method), _network(method)
    shown = _shown(network.config) if network.config.demos else None
    return Learner(
        network,
        None if scratch else start,
        shown,
        config,
        capacity=capacity,
        horizon=HORIZON,
        seed=1,
    )


@pytest.fixture(scope="module")
def played():
    """Episodes of a learner, whose outcomes the tests replace."""
    return _play(VectorEnvironment(), _learner(), _scene_configs(12), list(range(12)))


def _filled(
    learner: Learner, played: reinforcement_rollout.Trials, won, demos: int = 0
):
    """Adds episodes with these outcomes; before them, the first as demonstrations."""
    if demos:
        shown = reinforcement_rollout.Trials(*(value[:demos] for value in played))
        learner.replay.add(*shown._replace(success=np.ones(demos, bool)), demo=True)
    rest = reinforcement_rollout.Trials(*(value[demos:] for value in played))
    learner.replay.add(*rest._replace(success=np.array(won, bool)))
    return learner


@pytest.mark.parametrize("method", [pytest.param("bc", marks=pytest.mark.slow), "mil"])
def test_without_trials_it_is_the_policy_it_began_with(method):
    learner, network = _learner(method), _network(method)
    policy = METHODS[method].kind.policy(network)
    states = _first_states(6)
    fixtures, _ = LAYOUT.rows["fixtures"]
    time = observation.slices(observation.FIXTURES)["time"].start
    states[:, fixtures.start + time] = 3 / HORIZON
    shown = None
    if network.config.demos:
        given = _shown(network.config)
        shown = contexts.ContextEpisodes(
            *(tf.repeat(value, 6, axis=0) for value in given)
        )
    encoded = policy.encode_context(
        contexts.Context(
            shown, shown, None, tf.constant(states), tf.zeros((6, 2 * SIZE))
        )
    )
    time_step = ts.restart({fields.STATE: tf.constant(states)}, 6)
    expected = policy.action(time_step, encoded).action.numpy()

    order = reinforcement_rollout.by_identity(states, LAYOUT)
    ordered = tf.constant(order.apply(states))
    target = learner.choose(
        ordered,
        tf.constant(order.places),
        tf.constant(order.slots),
        tf.zeros((6, 2 * SIZE)),
    )
    action = learner.act(
        ordered,
        target,
        mixture_density.turn(tf.fill((6,), 3.0)),
        tf.zeros((6, network.config.action_size)),
    ).numpy()
    np.testing.assert_allclose(action, expected, atol=1e-5)
    slots = encoded["target"].numpy().argmax(axis=1)
    np.testing.assert_array_equal(
        np.take_along_axis(order.slots, target.numpy()[:, None], axis=1)[:, 0], slots
    )


def test_slots_are_the_same_things_in_every_scene():
    states = _first_states(8)
    order = reinforcement_rollout.by_identity(states, LAYOUT)
    rows = LAYOUT.split(order.apply(states))
    for kind, parts in (
        ("objects", observation.OBJECT),
        ("buttons", observation.BUTTON),
    ):
        where = observation.slices(parts)
        colours = rows[kind][..., where["rgb"]]
        np.testing.assert_array_equal(colours, np.repeat(colours[:1], 8, axis=0))
        x = rows[kind][..., where["position"]][..., 0]
        own = order.places[:, :SIZE] if kind == "objects" else order.places[:, SIZE:]
        np.testing.assert_array_equal(own, x.argsort(axis=1).argsort(axis=1))


def test_demonstration_has_its_share_of_every_batch(played):
    won = [True, True] + [False] * 9
    learner = _filled(_learner(), played, won, demos=1)
    config = dataclasses.replace(CONFIG, success_share=0.5, demo_share=0.5)
    rows, successful = (
        np.concatenate(parts)
        for parts in zip(*(learner.replay.draw_rows(16, config) for _ in range(300)))
    )
    assert successful.mean() == 0.5
    picked = rows[successful > 0]
    assert set(picked) == {0, 1, 2}  # the demonstration, and the two that succeeded
    assert (picked == 0).mean() == pytest.approx(0.5, abs=0.05)
    assert set(rows[successful == 0]) == set(range(12))


def test_without_successes_nothing_is_imitated(played):
    learner = _filled(_learner(), played, [False] * 12)
    rows, successful = learner.replay.draw_rows(64, CONFIG)
    assert not successful.numpy().any()
    assert set(rows.numpy()) <= set(range(12))


def test_demonstration_is_all_there_is_to_imitate_at_first(played):
    learner = _filled(_learner(), played, [False] * 11, demos=1)
    rows, successful = learner.replay.draw_rows(64, CONFIG)
    assert (rows.numpy()[successful.numpy() > 0] == 0).all()
    assert successful.numpy().sum() == 32


def test_transitions_carry_the_return_of_the_steps_they_span(played):
    config = dataclasses.replace(CONFIG, batch_size=512, discount=0.9, trace=0.9)
    learner = _filled(_learner(config=config), played, [True] * 12)
    then = learner._draw()[0].next_time_step
    reward, discount = then.reward.numpy(), then.discount.numpy()
    ended = discount == 0
    assert 0.05 < ended.mean() < 0.6
    spans = 1 + np.log(np.where(ended, reward, discount)) / np.log(0.9)
    np.testing.assert_allclose(spans, spans.round(), atol=1e-3)
    assert spans.min() > 0.5 and 5 < spans[~ended].mean() < 10
    assert (reward[~ended] == 0).all()


def test_without_a_trace_transitions_span_one_step(played):
    config = dataclasses.replace(CONFIG, batch_size=512, discount=0.9, trace=0.0)
    learner = _filled(_learner(config=config), played, [True] * 12)
    then = learner._draw()[0].next_time_step
    discount = then.discount.numpy()
    lasts = discount == 0
    assert 0 < lasts.mean() < 2 / HORIZON and (then.reward.numpy()[lasts] == 1).all()
    # The agent discounts the first step itself.
    assert (discount[~lasts] == 1).all()


@pytest.mark.slow
def test_actor_waits_for_the_critics(played):
    learner = _filled(_learner(), played, [True] * 6 + [False] * 6)
    actor = learner.network.actor_variables
    before = [variable.numpy() for variable in actor]
    losses = learner.update(CONFIG.warmup_trials - 1, 3)
    assert losses["critic"] > 0
    for variable, value in zip(actor, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    learner.update(CONFIG.warmup_trials, 3)
    assert any((v.numpy() != b).any() for v, b in zip(actor, before, strict=True))
    assert all(np.isfinite(v.numpy()).all() for v in actor)


@pytest.mark.slow
def test_successful_actions_become_likelier(played):
    config = dataclasses.replace(
        CONFIG, imitation=1.0, anchor=0.0, warmup_trials=0, actor_learning_rate=3e-3
    )
    action = played.action.copy()
    action[0] = 0.6
    won = [True] + [False] * 11
    # Room for so many trials is worth compiling.
    learner = _learner(config=config, capacity=1000)
    _filled(learner, played._replace(action=action), won)

    def error():
        config = learner.network.config
        taken = learner.act(
            tf.constant(played.state[0, :-1]),
            tf.fill((HORIZON,), int(played.target[0])),
            tf.zeros(HORIZON),
            tf.zeros((HORIZON, config.action_size)),
        )
        return np.abs(taken.numpy() - action[0]).mean()

    before = error()
    learner.update(100, 150)
    assert error() < 0.5 * before


@pytest.mark.slow
def test_selection_follows_success(played):
    """Success decides, whatever place or identity the initial policy prefers."""
    config = dataclasses.replace(
        CONFIG, critic_learning_rate=3e-3, first_share=0.5, success_share=0.0
    )
    learner = _learner(config=config)
    order = reinforcement_rollout.by_identity(played.state[:, 0], LAYOUT)
    for target in range(2 * SIZE):
        won = order.places[:, target] == 1
        _filled(learner, played._replace(target=np.full(12, target)), won)
    learner.update(0, 400)
    chosen = learner.choose(
        *map(tf.constant, (played.state[:, 0], order.places, order.slots)),
        tf.zeros((12, 2 * SIZE)),
    ).numpy()
    assert (order.places[np.arange(12), chosen] == 1).mean() > 0.8


def test_noise_is_that_of_its_seed():
    environments, learner = VectorEnvironment(), _learner()
    first = _play(environments, learner, _scene_configs(2), [3, 4])
    again = _play(environments, learner, _scene_configs(2), [3, 4])
    other = _play(environments, learner, _scene_configs(2), [3, 5])
    for name in ("state", "action", "target"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    np.testing.assert_array_equal(first.action[0], other.action[0])
    assert (first.action[1] != other.action[1]).any()


def test_from_scratch_every_target_is_tried():
    learner = _learner(scratch=True)
    states = np.repeat(_first_states(1), 600, axis=0)
    order = reinforcement_rollout.by_identity(states, LAYOUT)
    gumbel = np.random.default_rng(0).gumbel(size=(600, 2 * SIZE))
    chosen = learner.choose(
        tf.constant(order.apply(states)),
        tf.constant(order.places),
        tf.constant(order.slots),
        tf.constant(gumbel, tf.float32),
    ).numpy()
    assert np.bincount(chosen, minlength=6).min() > 60
