"""Strikes of pucks: targets, rewards, scripted strikes, and pucks outside of ranges."""

import dataclasses

import numpy as np
import pytest

from wtl.collection import vector_environment
from wtl.collection.task_pool import Attempt
from wtl.collection.worlds.tabletop.puck import PuckRanges
from wtl.collection.worlds.tabletop.strike_tasks import StrikeTasks
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields

COUNT = 6
SUITE = TaskDistribution(
    size=2,
    families=("slide",),
    puck=PuckRanges(),
    train_object_sets=COUNT,
    train_tasks=COUNT,
)
ATTEMPTS = [Attempt(task) for task in range(COUNT)]


def _pool(suite=SUITE):
    scenes = [
        (task, suite.scene_seed(task, "demo", 0))
        for task in suite.tasks(fields.SPLIT_TRAIN)
    ]
    return StrikeTasks(vector_environment.VectorEnvironment(), scenes)


@pytest.fixture(scope="module")
def pool():
    return _pool()


def _struck(pool, commands):
    """Steps of trials: a strike each, and then rest."""
    rest = np.tile(pool.rest, (len(commands), 1))
    return [
        pool.step(commands[:, step] if step < pool.commands else rest)
        for step in range(pool.horizon)
    ]


def test_a_puck_lies_differently_in_each_trial_and_its_target_stays(pool):
    first, again, other = (
        pool.reset([Attempt(task, start=start) for task in range(COUNT)])
        for start in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first[:, pool.target], other[:, pool.target])
    moved = np.linalg.norm((first - other)[:, pool.place], axis=1)
    assert (0 < moved).all() and moved.max() < 0.15
    assert len(np.unique(first[:, pool.target], axis=0)) == COUNT


def test_a_scripted_strike_reaches_the_puck_and_the_same_one_ends_alike(pool):
    start = pool.reset(ATTEMPTS)
    commands = pool.scripted(start, np.random.default_rng(0))
    assert commands.shape == (COUNT, pool.commands, pool.action_size)
    assert np.abs(commands).max() <= 1
    steps = _struck(pool, commands)
    approach = steps[pool.commands - 2].observation - start
    assert np.abs(approach[:, pool.place]).max() < 0.01  # the puck waits for the strike
    moved = (steps[-1].observation - start)[:, pool.place]
    assert np.median(moved[:, 1]) > 0.05
    pool.reset(ATTEMPTS)
    again = _struck(pool, commands)[-1].observation
    np.testing.assert_array_equal(again, steps[-1].observation)


def test_the_last_step_rewards_minus_the_distance_to_the_target(pool):
    start = pool.reset(ATTEMPTS)
    commands = pool.scripted(start, np.random.default_rng(1))
    steps = _struck(pool, commands)
    missed = steps[-1].observation[:, pool.place] - start[:, pool.target]
    expected = -np.linalg.norm(missed, axis=1)[:, None]
    np.testing.assert_allclose(steps[-1].reward, expected, atol=1e-6)
    assert not any(step.reward.any() or step.success.any() for step in steps[:-1])
    np.testing.assert_array_equal(steps[-1].success, expected >= -0.05)


def test_more_friction_stops_the_same_strike_sooner():
    distances = []
    for friction in ((0.15, 0.2), (0.8, 0.95)):
        ranges = dataclasses.replace(SUITE.puck, friction=friction)
        pool = _pool(dataclasses.replace(SUITE, puck=ranges))
        start = pool.reset(ATTEMPTS)
        commands = pool.scripted(start, np.random.default_rng(2))
        moved = _struck(pool, commands)[-1].observation - start
        distances.append(moved[:, pool.place][:, 1])
    assert np.median(distances[0] / np.maximum(distances[1], 0.01)) > 2


def test_pucks_outside_differ_by_a_friction_that_training_lacks():
    low, high = SUITE.puck.friction
    held_out = dataclasses.replace(SUITE, val_tasks=30)
    inside = held_out.tasks(fields.SPLIT_VAL)
    for name, ranges in SUITE.puck.outside().items():
        suite = dataclasses.replace(held_out, puck=ranges)
        for task, other in zip(suite.tasks(fields.SPLIT_VAL), inside, strict=True):
            friction = task.puck.friction[0]
            assert friction < low if name == "friction_below" else friction > high
            assert task.puck.hidden[2:] == other.puck.hidden[2:]
            assert task.object_set == other.object_set
