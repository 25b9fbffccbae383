"""Reachers under test: scenes, demonstrations, and episodes with assumed signs."""

import dataclasses
import itertools

from demonstrating import demonstrate, request

from wtl.collection.worlds import registry
from wtl.collection.worlds.entities import (
    actuator_gains,
    oracle_bound,
)
from wtl.collection.worlds.reacher import arm, expert
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import episode, fields, seeding

SIGNS = list(itertools.product((1.0, -1.0), repeat=2))
SUITE = TaskDistribution(
    size=2,
    train_object_sets=5,
    train_tasks=20,
    test_tasks=40,
    identity_share=1.0,
    domain="reacher",
    motor_faults=actuator_gains.ActuatorGainDistribution(arm.JOINTS, (1.0, 1.0), 0.5),
)
LAYOUT = SUITE.layout
BOUND = oracle_bound.OracleBound(SUITE)


def scene_configs(count=40):
    tasks = SUITE.tasks(fields.SPLIT_TEST)[:count]
    seeds = [SUITE.scene_seed(task, "test", 0) for task in tasks]
    return [task.scene(seed) for task, seed in zip(tasks, seeds, strict=True)]


def opened(scene_config):
    return registry.get(scene_config.task.domain).open(scene_config)


def played(env, gains):
    """Plays the scripted expert through motors; returns all timesteps."""
    timesteps = [env.reset()]
    while not timesteps[-1].last():
        command = expert.act(env.world, env.scene_config.target)
        timesteps.append(env.step(command.action * gains))
    return timesteps


def demonstrated(scene_config, noise=0.15):
    scene_config = dataclasses.replace(scene_config, nominal_actuators=True)
    name = episode.episode_id(
        fields.WTL_DEMOS,
        scene_config.task.task_id,
        fields.ROLE_DEMO,
        0,
        scene_config.scene_seed,
    )
    seed = seeding.derive_seed("test", scene_config.scene_seed)
    return demonstrate(request(scene_config, name, seed), noise)
