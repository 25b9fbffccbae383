"""The environment keeps dm_env's contract, and a seed determines an episode."""

import dataclasses

import mujoco
import numpy as np
import pytest
from absl.testing import absltest
from demonstrating import demonstrate, request
from dm_env import test_utils

from wtl.collection.episode_request import EpisodeShard
from wtl.collection.recorder import Recorder
from wtl.collection.scripted_expert import ScriptedExpert
from wtl.collection.vector_environment import play_shards
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.tabletop import model as models
from wtl.collection.worlds.tabletop import object_set as object_sets
from wtl.collection.worlds.tabletop.environment import HORIZON, Manipulation
from wtl.collection.worlds.tabletop.experts import DEMONSTRATORS
from wtl.collection.worlds.tabletop.families import FAMILIES
from wtl.datasets.contract import seeding
from wtl.datasets.contract.fields import STATE

_SETS = [object_sets.draw(f"test-{i:05d}", 3, seed=7) for i in range(2)]
every_family = pytest.mark.parametrize("family", FAMILIES)


def _scene_config(
    family="slide", scene_seed=3, target=1, object_set=_SETS[0], friction=None
):
    if friction is None:
        friction = FAMILIES[family].friction_range[0]
    return SceneConfig(Task(object_set, family, friction, "test"), scene_seed, target)


def _record(env, scene_config, seed=0):
    """Plays the noisy scripted expert in an environment that may have a past."""
    rng = seeding.generator("noise", seed)
    env.prepare(scene_config)
    recorder = Recorder(env)
    timestep = env.reset()
    recorder.start(timestep)
    while not timestep.last():
        command = DEMONSTRATORS[scene_config.task.family](
            env.world, scene_config.target
        )
        action = command.action + 0.15 * command.noise * rng.standard_normal(5)
        timestep = env.step(action)
        recorder.add(action, timestep)
    return recorder.episode(episode_id="id", role="demo")


def _same(one, other):
    return one.metadata == other.metadata and all(
        one.steps[name].tobytes() == other.steps[name].tobytes() for name in one.steps
    )


class ConformanceTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
    def make_object_under_test(self):
        return Manipulation(_scene_config())

    def make_action_sequence(self):
        rng = np.random.default_rng(0)
        for _ in range(2 * HORIZON):
            yield rng.uniform(-1, 1, 5).astype(np.float32)


def test_episode_lasts_the_horizon_and_ends_terminal():
    env = Manipulation(_scene_config())
    timesteps = [env.reset()]
    while not timesteps[-1].last():
        timesteps.append(env.step(np.zeros(5)))
    assert len(timesteps) == HORIZON + 1
    assert [t.discount for t in timesteps[1:]] == [1.0] * (HORIZON - 1) + [0.0]
    assert [t.reward for t in timesteps[1:]] == [0.0] * HORIZON
    times = [t.observation[STATE][-1] for t in timesteps]
    np.testing.assert_allclose(times, np.linspace(0, 1, HORIZON + 1), atol=1e-6)


def test_resets_without_prepare_go_through_reproducible_scenes():
    states = []
    for _ in range(2):
        env = Manipulation(_scene_config())
        states.append([env.reset().observation[STATE] for _ in range(3)])
    np.testing.assert_array_equal(*states)
    assert len(np.unique(states[0], axis=0)) == 3


@every_family
def test_same_seed_gives_the_same_episode_whatever_came_before(family):
    scene_config = _scene_config(family)
    fresh = _record(Manipulation(scene_config), scene_config)

    env = Manipulation(_scene_config("grasp", scene_seed=8, object_set=_SETS[1]))
    _record(env, _scene_config("stack", scene_seed=9, object_set=_SETS[1]))
    assert _same(_record(env, scene_config), fresh), "after another object set"
    for other in FAMILIES:
        _record(env, _scene_config(other, scene_seed=10, friction=0.05))
    assert _same(_record(env, scene_config), fresh), "after other tasks of the same set"
    env.prepare(_scene_config(scene_seed=11))
    env.reset()
    for _ in range(7):
        env.step(np.array([0.3, -1, -1, 1, 1]))
    assert _same(_record(env, scene_config), fresh), "after an episode broken off"


def test_same_seed_gives_the_same_episode_in_another_process():
    requests = [request(_scene_config(family), family, seed=4) for family in FAMILIES]
    here = [demonstrate(each, 0.15) for each in requests]
    shard = EpisodeShard(ScriptedExpert(0.15), tuple(requests))
    (there,) = play_shards([shard], workers=1)
    for one, other in zip(here, there, strict=True):
        assert _same(one, other)


def test_different_seeds_give_different_episodes():
    scene_config = _scene_config()
    env = Manipulation(scene_config)
    reference = _record(env, scene_config)
    other_noise = _record(env, scene_config, seed=1)
    assert other_noise.steps["state"][0].tobytes() == (
        reference.steps["state"][0].tobytes()
    )
    assert not _same(other_noise, reference)
    other_scene = _record(env, dataclasses.replace(scene_config, scene_seed=4))
    assert not np.array_equal(other_scene.steps["state"], reference.steps["state"])


@pytest.fixture
def compilations(monkeypatch):
    """List that grows by one whenever a model is compiled."""
    Manipulation(_scene_config()).reset()  # compiles what all object sets share
    models.compile_model.cache_clear()
    original, calls = mujoco.MjSpec.compile, []

    def compile_and_count(spec, *args):
        calls.append(spec)
        return original(spec, *args)

    monkeypatch.setattr(mujoco.MjSpec, "compile", compile_and_count)
    yield calls
    models.compile_model.cache_clear()


def test_only_a_new_object_set_is_compiled(compilations):
    env = Manipulation(_scene_config())
    env.reset()
    assert len(compilations) == 1
    model = env.world.model
    for i, family in enumerate(FAMILIES):
        for friction in (0.05, 0.8):
            env.prepare(_scene_config(family, scene_seed=i, friction=friction))
            env.reset()
        env.reset()
    assert len(compilations) == 1
    assert env.world.model is model
    env.prepare(_scene_config(object_set=_SETS[1]))
    env.reset()
    assert len(compilations) == 2
    assert env.world.model is not model


def test_environments_do_not_share_hidden_dynamics():
    one, other = (
        Manipulation(_scene_config(friction=0.05)),
        Manipulation(_scene_config(friction=0.8)),
    )
    one.reset()
    other.reset()
    assert one.world.model.pair_friction[0, 0] == 0.05
    assert other.world.model.pair_friction[0, 0] == 0.8
