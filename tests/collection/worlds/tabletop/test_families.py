"""Requirements on every family and its scripted expert, over the registry."""

import mujoco
import numpy as np
import pytest
from demonstrating import demonstrate, request

from wtl.collection.worlds.entities.environment import Setup, slot_of
from wtl.collection.worlds.entities.task_distribution import TEST, Suite
from wtl.collection.worlds.tabletop import model as models
from wtl.collection.worlds.tabletop.environment import HORIZON, Manipulation
from wtl.collection.worlds.tabletop.experts import DEMONSTRATORS
from wtl.collection.worlds.tabletop.families import FAMILIES

_NOISE = 0.15
every_family = pytest.mark.parametrize("family", FAMILIES)
every_size = pytest.mark.parametrize("size", (2, 3))


def _setups(family, count, size=3):
    """Setups of one family, each with an object set of its own."""
    suite = Suite(size=size, test_tasks=count * len(FAMILIES), seed=5)
    tasks = [task for task in suite.tasks(TEST) if task.family == family]
    assert len(tasks) == count
    return [
        Setup(task, suite.scene_seed(task, "test_families", 0), index % size)
        for index, task in enumerate(tasks)
    ]


def _play(setup, index):
    """Acts on `index`, whatever the target is, without noise."""
    env = Manipulation(setup)
    timestep = env.reset()
    assert not any(env.achieved(i) for i in range(setup.task.object_set.size))
    while not timestep.last():
        command = DEMONSTRATORS[setup.task.family](env.world, index)
        timestep = env.step(command.action)
    return env, timestep.reward


def _success_rate(family, count, size):
    played = [
        demonstrate(request(setup, seed=seed), _NOISE, attempts=1)
        for seed, setup in enumerate(_setups(family, count, size))
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
    for setup in _setups(family, 3, size):
        env, reward = _play(setup, setup.target)
        assert reward == 1
        achieved = [env.achieved(i) for i in range(size)]
        assert achieved == [i == setup.target for i in range(size)]
        assert env.achieved_slot() == env.target_slot


@every_size
@every_family
def test_wrong_target_is_no_success_and_is_told_apart(family, size):
    for setup in _setups(family, 3, size):
        wrong = (setup.target + 1) % size
        env, reward = _play(setup, wrong)
        assert reward == 0
        assert env.achieved_slot() == slot_of(setup.task, env.world.scene, wrong)
        assert env.achieved_slot() != env.target_slot


@pytest.mark.parametrize(
    "family", [name for name, family in FAMILIES.items() if family.kind == 0]
)
def test_goal_requires_that_the_other_objects_stay(family):
    (setup,) = _setups(family, 1)
    env, reward = _play(setup, setup.target)
    assert reward == 1
    model, data = env.world.model, env.world.data
    other = models.object_name((setup.target + 1) % 3)
    data.qpos[model.joint(f"{other}/").qposadr[0] + 1] -= 0.06
    mujoco.mj_kinematics(model, data)
    assert not env.achieved(setup.target)


@pytest.mark.parametrize("finger", (-1, 0, 1))
@every_family
def test_doing_nothing_never_succeeds(family, finger):
    for setup in _setups(family, 3):
        env = Manipulation(setup)
        env.reset()
        for _ in range(HORIZON):
            timestep = env.step(np.array([0, 0, 0, 0, finger], np.float32))
            assert env.achieved_slot() == -1
        assert timestep.last() and timestep.reward == 0


@every_family
def test_friction_is_drawn_within_its_range(family):
    low, high = FAMILIES[family].friction_range
    frictions = [setup.task.friction for setup in _setups(family, 20)]
    assert low <= min(frictions) and max(frictions) <= high
    assert len(set(frictions)) == (20 if low < high else 1)
