"""Recorded episodes fit the schema and tell the truth."""

import mujoco
import numpy as np
import pytest
from demonstrating import demonstrate, request

from wtl.collection.recorder import Recorder
from wtl.collection.worlds.entities import physics
from wtl.collection.worlds.entities.episode_spec import episode_spec
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.tabletop import experts
from wtl.collection.worlds.tabletop import object_set as object_sets
from wtl.collection.worlds.tabletop.environment import HORIZON, Manipulation
from wtl.collection.worlds.tabletop.experts import DEMONSTRATORS, Command
from wtl.collection.worlds.tabletop.families import FAMILIES
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import episode_id, validate

_NOISE = 0.15

every_family = pytest.mark.parametrize("family", FAMILIES)


def _request(family="grasp", size=3, seed=2, rule=""):
    object_set = object_sets.draw("val-00003", size, seed=1)
    task = Task(object_set, family, FAMILIES[family].friction_range[1], "val")
    name = episode_id(fields.WTL_DEMOS, task.task_id, "demo", 0, seed)
    return request(SceneConfig(task, 12, 1), name, seed, rule)


@pytest.mark.parametrize("size", (2, 3))
@every_family
def test_demonstrations_are_valid_episodes(family, size):
    wanted = _request(family, size, rule="identity:1")
    episode = demonstrate(wanted, _NOISE, attempts=1)
    validate(episode, episode_spec(size))
    assert len(episode) == HORIZON + 1
    steps, known = episode.steps, episode.metadata
    assert not steps[fields.ACTION][-1].any()
    assert steps[fields.ACTION][:-1].any(axis=1).sum() > 5
    np.testing.assert_array_equal(steps[fields.REWARD], [0] * (HORIZON - 1) + [1, 0])
    np.testing.assert_array_equal(steps[fields.DISCOUNT], [1] * (HORIZON - 1) + [0, 0])
    assert steps[fields.IS_TERMINAL][-1]
    np.testing.assert_allclose(
        steps[fields.TIMESTAMP], np.arange(HORIZON + 1) / 10, atol=1e-5
    )
    task = wanted.scene.task
    assert known[fields.TASK_ID] == task.task_id
    assert known[fields.FAMILY] == family
    assert known[fields.OBJECT_SET] == "val-00003"
    assert known[fields.SPLIT] == "val"
    assert known[fields.SCENE_SEED] == 12
    assert known[fields.SUCCESS] is True
    assert known[fields.ROLE] == "demo"
    assert known[fields.DEMONSTRATOR] == "scripted"
    assert known[fields.MUJOCO_VERSION] == mujoco.__version__
    env = Manipulation(wanted.scene)
    env.reset()
    assert known[fields.HIDDEN_TARGET] == env.target_slot
    assert known[fields.HIDDEN_ACHIEVED] == env.target_slot
    assert known[fields.HIDDEN_FRICTION] == task.friction
    assert known[fields.HIDDEN_RULE] == "identity:1"


@pytest.mark.parametrize("acting_on", (None, 2))
@every_family
def test_failures_are_recorded_with_what_was_achieved(family, acting_on):
    wanted = _request(family)
    env = Manipulation(wanted.scene)
    recorder = Recorder(env)
    timestep = env.reset()
    recorder.start(timestep)
    while not timestep.last():
        action = np.zeros(5)
        if acting_on is not None:
            action = DEMONSTRATORS[family](env.world, acting_on).action
        timestep = env.step(action)
        recorder.add(action, timestep)
    episode = recorder.episode(
        episode_id=wanted.episode_id.replace("demo-", "trial-"), role="trial"
    )
    validate(episode, episode_spec(3))
    known = episode.metadata
    assert known[fields.SUCCESS] is False
    assert known[fields.HIDDEN_TARGET] == env.target_slot
    if acting_on is None:
        assert known[fields.HIDDEN_ACHIEVED] == -1
    else:
        assert known[fields.HIDDEN_ACHIEVED] not in (-1, env.target_slot)


def test_an_episode_cut_short_is_not_terminal():
    wanted = _request()
    env = Manipulation(wanted.scene)
    recorder = Recorder(env)
    recorder.start(env.reset())
    for _ in range(3):
        recorder.add(np.full(5, 2.0), env.step(np.full(5, 2.0)))
    episode = recorder.episode(episode_id=wanted.episode_id, role="demo")
    validate(episode, episode_spec(3))  # so actions beyond 1 were clipped
    assert not episode.steps[fields.IS_TERMINAL].any()
    assert episode.steps[fields.DISCOUNT].all()


def test_stored_physics_states_are_those_of_the_steps():
    wanted = _request("push")
    episode = demonstrate(wanted, _NOISE)
    env = Manipulation(wanted.scene)
    env.reset()
    data = mujoco.MjData(env.world.model)
    body = env.world.model.body("object_1/").id
    slot = episode.metadata[fields.HIDDEN_TARGET]
    start = 14 + 16 * slot
    for state, physics_state in zip(
        episode.steps[fields.STATE], episode.steps[fields.PHYSICS_STATE], strict=True
    ):
        mujoco.mj_setState(env.world.model, data, physics_state, physics.STATE_SPEC)
        mujoco.mj_kinematics(env.world.model, data)
        np.testing.assert_allclose(data.xpos[body], state[start : start + 3], atol=1e-6)


def _scripted(monkeypatch, act):
    monkeypatch.setitem(experts.DEMONSTRATORS, "grasp", act)


def test_failed_demonstrations_are_not_returned(monkeypatch):
    _scripted(monkeypatch, lambda world, index: Command(np.zeros(5), 1.0))
    assert demonstrate(_request()) is None
    assert demonstrate(_request(), attempts=1) is None


def test_a_failed_demonstration_is_tried_again_with_new_noise(monkeypatch):
    real, resets, reset = DEMONSTRATORS["grasp"], [], Manipulation.reset

    def count_resets(env):
        resets.append(env)
        return reset(env)

    def act(world, index):
        if len(resets) == 1:
            return Command(np.zeros(5), 1.0)
        return real(world, index)

    untroubled = demonstrate(_request(), _NOISE)
    monkeypatch.setattr(Manipulation, "reset", count_resets)
    _scripted(monkeypatch, act)
    episode = demonstrate(_request(), _NOISE)
    assert len(resets) == 2
    assert episode.metadata[fields.SUCCESS]
    assert episode.metadata == untroubled.metadata
    first, second = (e.steps[fields.STATE] for e in (episode, untroubled))
    np.testing.assert_array_equal(first[0], second[0])
    assert not np.array_equal(first[1], second[1])


def test_another_seed_is_other_noise():
    one, other = (demonstrate(_request(seed=seed), _NOISE) for seed in (2, 3))
    np.testing.assert_array_equal(*(e.steps[fields.STATE][0] for e in (one, other)))
    assert not np.array_equal(*(e.steps[fields.STATE] for e in (one, other)))


def test_noise_is_executed_but_not_recorded(monkeypatch):
    executed, step = [], Manipulation.step

    def record_action(env, action):
        executed.append(action)
        return step(env, action)

    def noise_of(quiet):
        real = DEMONSTRATORS["grasp"]

        def act(world, index):
            command = real(world, index)
            return Command(command.action, 0.0) if quiet else command

        executed.clear()
        with monkeypatch.context() as patch:
            patch.setattr(Manipulation, "step", record_action)
            patch.setitem(experts.DEMONSTRATORS, "grasp", act)
            episode = demonstrate(_request(), _NOISE, attempts=1)
        labels = episode.steps[fields.ACTION][:-1]
        return np.array(executed) - labels

    assert np.abs(noise_of(quiet=True)).max() < 1e-6
    noise = noise_of(quiet=False)
    assert 0.03 < noise[:, :4].std() < 0.15
    assert 0 < np.abs(noise[:, 4]).max() < 0.3
