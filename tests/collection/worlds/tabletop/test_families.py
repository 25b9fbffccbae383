"""Requirements on every family and its scripted expert, over the registry."""

import mujoco
import numpy as np
import pytest
from demonstrating import demonstrate, request

from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.tabletop import model as models
from wtl.collection.worlds.tabletop.environment import HORIZON, Manipulation
from wtl.collection.worlds.tabletop.experts import DEMONSTRATORS
from wtl.collection.worlds.tabletop.families import FAMILIES
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields

_NOISE = 0.15
every_family = pytest.mark.parametrize("family", FAMILIES)
every_size = pytest.mark.parametrize("size", (2, 3))


def _scene_configs(family, count, size=3):
    """Setups of one family, each with an object set of its own."""
    suite = TaskDistribution(size=size, test_tasks=count * len(FAMILIES), seed=5)
    tasks = [task for task in suite.tasks(fields.SPLIT_TEST) if task.family == family]
    assert len(tasks) == count
    return [
        SceneConfig(task, suite.scene_seed(task, "test_families", 0), index % size)
        for index, task in enumerate(tasks)
    ]


def _play(scene_config, index):
    """Acts on `index`, whatever the target is, without noise."""
    env = Manipulation(scene_config)
    timestep = env.reset()
    assert not any(env.achieved(i) for i in range(scene_config.task.object_set.size))
    while not timestep.last():
        command = DEMONSTRATORS[scene_config.task.family](env.world, index)
        timestep = env.step(command.action)
    return env, timestep.reward


def _success_rate(family, count, size):
    played = [
        demonstrate(request(scene_config, seed=seed), _NOISE, attempts=1)
        for seed, scene_config in enumerate(_scene_configs(family, count, size))
    ]
    return np.mean([episode is not None for episode in played])


def test_registries_name_the_same_families():
    assert set(DEMONSTRATORS) == set(FAMILIES)
    assert all(name == family.name for name, family in FAMILIES.items())
    assert all("{target}" in family.instruction for family in FAMILIES.values())


@every_size
@every_family
def test_scripted_expert_succeeds(family, size):
    assert _success_rate(family, 12, size) >= 0.9


@pytest.mark.slow
@every_size
@every_family
def test_scripted_expert_succeeds_nearly_always(family, size):
    rate = _success_rate(family, 300, size)
    print(f"{family}, {size} objects: {rate:.4f} of 300")
    assert rate >= 0.97


@every_size
@every_family
def test_goal_holds_for_the_target_only(family, size):
    for scene_config in _scene_configs(family, 3, size):
        env, reward = _play(scene_config, scene_config.target)
        assert reward == 1
        achieved = [env.achieved(i) for i in range(size)]
        assert achieved == [i == scene_config.target for i in range(size)]
        assert env.achieved_slot() == env.target_slot


@every_size
@every_family
def test_wrong_target_is_no_success_and_is_told_apart(family, size):
    for scene_config in _scene_configs(family, 3, size):
        wrong = (scene_config.target + 1) % size
        env, reward = _play(scene_config, wrong)
        assert reward == 0
        assert env.achieved_slot() == scene_config.task.slot_of(env.world.scene, wrong)
        assert env.achieved_slot() != env.target_slot


@pytest.mark.parametrize(
    "family", [name for name, family in FAMILIES.items() if family.kind == 0]
)
def test_goal_requires_that_the_other_objects_stay(family):
    (scene_config,) = _scene_configs(family, 1)
    env, reward = _play(scene_config, scene_config.target)
    assert reward == 1
    model, data = env.world.model, env.world.data
    other = models.object_name((scene_config.target + 1) % 3)
    data.qpos[model.joint(f"{other}/").qposadr[0] + 1] -= 0.06
    mujoco.mj_kinematics(model, data)
    assert not env.achieved(scene_config.target)


@pytest.mark.parametrize("finger", (-1, 0, 1))
@every_family
def test_doing_nothing_never_succeeds(family, finger):
    for scene_config in _scene_configs(family, 3):
        env = Manipulation(scene_config)
        env.reset()
        for _ in range(HORIZON):
            timestep = env.step(np.array([0, 0, 0, 0, finger], np.float32))
            assert env.achieved_slot() == -1
        assert timestep.last() and timestep.reward == 0


@every_family
def test_friction_is_drawn_within_its_range(family):
    low, high = FAMILIES[family].friction_range
    frictions = [
        scene_config.task.friction for scene_config in _scene_configs(family, 20)
    ]
    assert low <= min(frictions) and max(frictions) <= high
    assert len(set(frictions)) == (20 if low < high else 1)
