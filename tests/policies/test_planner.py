"""Planners: optimisers, and the policy whose state lets its model adapt."""

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories.policy_step import PolicyStep

from wtl.collection.policy_actor import compiled
from wtl.collection.worlds.plain.layout import PlainLayout
from wtl.datasets.contract import fields
from wtl.policies import export
from wtl.policies.contextual import context as contexts
from wtl.policies.foresight.config import ANOTHER_TASK, NONE, ForesightConfig
from wtl.policies.foresight.network import Foresight
from wtl.policies.legacy_keras import tf_keras
from wtl.policies.planner import optimiser
from wtl.policies.planner.config import OPTIMISERS, PlannerConfig
from wtl.policies.planner.policy import PlannerPolicy

_LAYOUT = PlainLayout(parts=((fields.STATE, 2),), actions=2)


def _noise(config, horizon=3, size=2):
    shape = config.iterations, config.candidates, horizon, size
    return tf.constant(np.random.default_rng(0).standard_normal(shape), tf.float32)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_the_best_actions_are_found_for_each_episode(name):
    config = PlannerConfig(name, candidates=300, iterations=6, temperature=0.1)
    goal = tf.constant([[[0.5, -0.3]], [[-0.8, 0.1]]])  # of two episodes

    def score(actions):
        return -tf.reduce_sum((actions - goal[:, None]) ** 2, axis=(2, 3))

    plan = optimiser.optimise(score, tf.zeros((2, 3, 2)), _noise(config), config)
    np.testing.assert_allclose(plan, np.tile(goal, (1, 3, 1)), atol=0.15)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_candidates_for_which_the_model_diverges_are_passed_over(name):
    config = PlannerConfig(name, candidates=100, iterations=3)

    def score(actions):
        first = actions[:, :, 0, 0]
        of_one = tf.where(first > 0, float("nan"), first)
        return tf.concat([of_one[:1], tf.fill(tf.shape(first[1:]), float("nan"))], 0)

    plan = optimiser.optimise(score, tf.zeros((2, 3, 2)), _noise(config), config)
    assert np.isfinite(plan[0]).all() and plan[0, 0, 0] < 0
    assert np.isnan(plan[1]).all()  # every candidate of the second episode diverges


def test_fewer_candidates_than_elites_may_be_finite():
    config = PlannerConfig(candidates=100, iterations=1, elites=0.1)

    def score(actions):
        first = actions[:, :, 0, 0]
        return tf.where(first > -0.9, float("nan"), first)

    plan = optimiser.optimise(score, tf.zeros((1, 3, 2)), _noise(config), config)
    assert -1 <= plan[0, 0, 0] <= -0.9


def _reward(state, action, following):
    """Keep near 1 in the first dimension."""
    del state, action
    return -abs(following[..., 0] - 1.0)


def _policy(ends=None, end_cost=0.0, reward=_reward, **settings) -> PlannerPolicy:
    """Policy with a model of x' = x + 0.5 a, of which nothing has to be learned."""
    tf_keras.utils.set_random_seed(0)
    config = ForesightConfig(
        layout=_LAYOUT,
        action_size=2,
        families=("one",),
        hidden=(),
        window=4,
        **settings,
    )
    network = Foresight(config)
    kernel = np.concatenate([np.zeros((2, 2)), 0.5 * np.eye(2)])
    kernel = np.concatenate([kernel, np.zeros((config.privileged_size, 2))])
    # Gradients change nothing but the gains of the actions.
    network._scales["state_std"].assign([100, 100])
    for member in network.members:
        member.theta["kernel_0"].assign(kernel)
        member.alpha["bias_0"].assign([0, 0])
    limits = np.full(2, -1.0), np.full(2, 1.0)
    planner = PlannerConfig(candidates=64, horizon=2, iterations=1, end_cost=end_cost)
    return PlannerPolicy(network, reward, planner, *limits, ends)


def _begin(policy, count: int, hidden=None):
    spec = contexts.context_spec(policy.network.config, 2)
    empty = tf.nest.map_structure(
        lambda s: tf.zeros([1 if n is None else n for n in (count, *s.shape)], s.dtype),
        spec,
    )
    if hidden is not None:
        empty = empty._replace(privileged=empty.privileged._replace(hidden=hidden))
    return policy.encode_context(empty)


def _act(policy, state, memory):
    kinds = tf.fill([len(state)], ts.StepType.MID)
    action, following = compiled(policy)(
        kinds, {fields.STATE: tf.constant(state)}, memory
    )
    return PolicyStep(action, following)


def test_it_reaches_the_goal_and_remembers_its_transitions():
    policy = _policy()
    state, memory = np.zeros((3, 2), np.float32), _begin(policy, 3)
    visited = [state]
    for _ in range(6):
        step = _act(policy, state, memory)
        memory, action = step.state, step.action.numpy()
        state = (state + 0.5 * action).astype(np.float32)
        visited.append(state)
    np.testing.assert_allclose(state[:, 0], 1.0, atol=0.1)
    np.testing.assert_array_equal(memory["step"], 6)
    np.testing.assert_array_equal(memory["window_valid"], 1)
    kept = np.stack(visited[1:6], axis=1)
    np.testing.assert_array_equal(memory["window_observation"], kept)


@pytest.mark.parametrize(("end_cost", "ended"), ((0.0, True), (5.0, False)))
def test_it_avoids_an_end_that_costs_more_than_it_earns(end_cost, ended):
    """Its goal lies beyond a line at which an episode ends."""
    policy = _policy(lambda state: state[..., 0] > 0.8, end_cost)
    state, memory = np.zeros((1, 2), np.float32), _begin(policy, 1)
    visited = []
    for _ in range(6):
        step = _act(policy, state, memory)
        memory = step.state
        state = (state + 0.5 * step.action.numpy()).astype(np.float32)
        visited.append(state[0, 0])
    assert max(visited) > 0.5
    assert (max(visited) > 0.8) == ended


@pytest.mark.parametrize(("members", "least", "most"), ((1, 0.5, 1.0), (2, -0.3, 0.3)))
def test_a_plan_is_best_on_average_over_the_members_of_a_model(members, least, most):
    """Of two members that disagree on the sign of an action, it trusts neither."""
    policy = _policy(reward=lambda *s: -((s[2][..., 0] - 1.0) ** 2), members=members)
    theta = policy.network.members[-1].theta["kernel_0"]
    theta.assign(theta if members == 1 else -theta)
    action = _act(policy, np.zeros((1, 2), np.float32), _begin(policy, 1)).action
    assert least < action[0, 0] <= most


def test_a_saved_policy_acts_as_before(tmp_path):
    policy = _policy(steps=1)
    export.save(policy, tmp_path / "saved_model", "a_world")
    loaded = export.load(tmp_path / "saved_model", 2)
    state = np.array([[0.0, 0.3], [0.5, -0.2]], np.float32)
    memory = {name: _begin(policy, 2) for name in ("own", "loaded")}
    for _ in range(2):
        step = _act(policy, state, memory["own"])
        other = _act(loaded, state, memory["loaded"])
        np.testing.assert_allclose(step.action, other.action, atol=1e-5)
        memory = {"own": step.state, "loaded": other.state}


def test_it_adapts_to_its_own_transitions_or_those_of_the_next_episode():
    """One actuator of the second episode is reversed."""
    own, other = (
        _policy(steps=15, alpha=0.8),
        _policy(steps=15, alpha=0.8, window_of=ANOTHER_TASK),
    )
    signs = np.array([[1, 1], [-1, 1]], np.float32)
    found = {}
    for name, policy in (("own", own), ("other", other)):
        state, memory = np.zeros((2, 2), np.float32), _begin(policy, 2)
        away = []
        for _ in range(20):
            step = _act(policy, state, memory)
            memory = step.state
            state = (state + 0.5 * signs * step.action).numpy().astype(np.float32)
            away.append(abs(state[:, 0] - 1))
        found[name] = np.min(away, axis=0)
    assert found["own"].max() < 0.3
    assert found["other"][1] > 0.8  # it never came near


@pytest.mark.parametrize("window_of", (ANOTHER_TASK, NONE))
def test_a_control_that_is_given_no_transitions_does_not_adapt(window_of):
    """The episode beside the first, whose transitions it may be given, is over."""
    adapting = _policy(steps=15, alpha=0.8, window_of=window_of)
    plain = _policy()
    found = []
    for policy in (adapting, plain):
        state, memory = np.zeros((2, 2), np.float32), _begin(policy, 2)
        for _ in range(8):
            step = _act(policy, state, memory)
            memory = step.state
            state[0] += 0.5 * step.action[0]
        found.append(step.action[0])
    np.testing.assert_allclose(*found, atol=1e-5)


def test_the_oracle_is_told_what_holds_from_the_onset_on():
    policy = _policy(oracle=True, hidden_size=3)
    memory = _begin(policy, 2, tf.constant([[2.0, 0.5, -1.0], [0.0, 1.0, 0.0]]))
    for step, first in ((0, [0, 0]), (1, [0, 0]), (2, [0.5, -1.0])):
        privileged = policy._privileged(memory["hidden"], tf.fill([2], float(step)))
        np.testing.assert_allclose(privileged, [first, [1.0, 0.0]])
