"""Worlds of one's own: what is closed, refused and taken."""

import dataclasses
from unittest import mock

import dm_env
import numpy as np
import plain_module
import pytest
from dm_env import specs

import wtl
from wtl.collection.recorder import Recorder
from wtl.collection.worlds import registry
from wtl.collection.worlds.plain.environment import as_rgb, stored_as
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract.errors import UserError


class Closing(plain_module.Point):
    """A point that counts how often it was closed."""

    closed = 0

    def close(self):
        self.closed += 1


def _world(make, tasks=plain_module.tasks, **options):
    return wtl.worlds.dm_env("own", make, tasks, horizon=15, **options)


@pytest.mark.parametrize("is_shared", (False, True))
def test_an_environment_is_closed_when_another_takes_its_place(is_shared):
    made = []

    def make(task, seed):
        if not (made and is_shared):
            made.append(Closing((1.0, 0.0), seed))
        return made[-1]

    world = _world(make)
    del made[:]
    env = world.make_env(world.tasks("train", 0, count=1)[0], 1)
    env.reset()
    env.reset()
    assert [each.closed for each in made] == ([0] if is_shared else [1, 0])
    env.close()
    assert made[-1].closed == 1


def test_tasks_of_another_split_are_refused():
    def tasks(split, seed, count):
        return plain_module.tasks("train", seed, count)

    with pytest.raises(UserError, match="returned the task 'train-00000' of the split"):
        _world(lambda task, seed: plain_module.Point((1, 0), seed), tasks)


def test_a_family_that_only_later_tasks_have_is_no_silent_loss(monkeypatch):
    def tasks(split, seed, count):
        made = plain_module.tasks(split, seed, count)
        later = [dataclasses.replace(task, family="late") for task in made[100:]]
        return made[:100] + later

    world = _world(lambda task, seed: plain_module.Point((1, 0), seed), tasks)
    monkeypatch.setattr(registry, "names", lambda: ["own"])
    monkeypatch.setattr(registry, "get", lambda name: world)
    suite = TaskDistribution(domain="own", train_tasks=101, val_tasks=0, test_tasks=0)
    with pytest.raises(UserError, match="of the family 'late', but the first tasks"):
        suite.tasks("train")


class Described(plain_module.Point):
    """A point with specs of a test's choice."""

    observed = None
    limits = (-0.2, 0.2)

    def observation_spec(self):
        return self.observed or super().observation_spec()

    def action_spec(self):
        return specs.BoundedArray((2,), np.float64, *self.limits)


@pytest.mark.parametrize(
    "shape, is_set, stored",
    (
        ((20, 30), False, (20, 30, 3)),
        ((20, 30, 1), False, (20, 30, 3)),
        ((3, 20, 30), False, (20, 30, 3)),
        ((20, 30, 4), False, (20, 30, 3)),
        ((20, 30, 3), True, (20, 30, 3)),
        ((20, 30), True, None),
        ((20,), False, None),
    ),
)
def test_images_of_any_channels_are_stored_as_rgb(shape, is_set, stored):
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    found = stored_as("camera", specs.Array(shape, np.uint8), is_set)
    assert found.is_image == (stored is not None) and found.is_set == is_set
    if stored is None:
        assert found.shape == shape
        return
    assert found.shape == stored
    image = as_rgb(pixels)
    assert image.shape == stored
    expected = np.moveaxis(pixels, 0, -1) if shape[0] == 3 else pixels
    one = expected.reshape(20, 30, -1)[..., :3]
    np.testing.assert_array_equal(image, np.broadcast_to(one, stored))


class Endless(plain_module.Point):
    """A point whose episode the world's horizon ends, or an end of its own."""

    is_terminal = None

    def step(self, action):
        timestep = super().step(action)._replace(step_type=dm_env.StepType.MID)
        if self.is_terminal is None or self._step < 5:
            return timestep._replace(discount=1.0, reward=0.0)
        end = dm_env.termination if self.is_terminal else dm_env.truncation
        return end(1.0, timestep.observation)


@pytest.mark.parametrize("is_terminal, steps", ((None, 15), (False, 5), (True, 5)))
def test_only_what_the_environment_terminates_is_terminal(is_terminal, steps):
    kind = type("Endless", (Endless,), {"is_terminal": is_terminal})
    world = _world(lambda task, seed: kind((1, 0), seed))
    env = world.make_env(world.tasks("train", 0, count=1)[0], 1)
    recorder = Recorder(env)
    timestep = env.reset()
    recorder.start(timestep)
    while not timestep.last():
        timestep = env.step(np.zeros(2))
        recorder.add(np.zeros(2), timestep)
    with mock.patch.object(registry, "get", lambda name: world):
        episode = recorder.episode(episode_id="own", role="demo")
    assert len(episode) == steps + 1
    assert episode.steps["is_terminal"].any() == bool(is_terminal)


def test_the_name_of_the_step_number_is_taken():
    kind = _described(observed={"time": specs.Array((1,), np.float32)})
    with pytest.raises(UserError, match="no observation may be called 'time'"):
        _world(lambda task, seed: kind((1, 0), seed))


def _described(**attributes):
    return type("Described", (Described,), attributes)


def test_specs_that_are_no_dict_are_refused():
    kind = _described(observed=[specs.Array((2,), np.float32)])
    with pytest.raises(UserError, match="an observation spec is a list; it may be"):
        _world(lambda task, seed: kind((1, 0), seed))


@pytest.mark.parametrize("action, error", ((100.7, ""), (100.9, "let the expert clip")))
def test_an_expert_may_use_limits_that_float32_rounds(action, error):
    # One limit is a number, the other one a vector.
    kind = _described(limits=(-1.0, np.array([100.7, 100.7])))
    world = _world(
        lambda task, seed: kind((1, 0), seed),
        expert=lambda task: lambda env, timestep: np.array([action, 0.0]),
    )
    task = world.tasks("train", 0, count=1)[0]
    env = world.make_env(task, 1)
    env.reset()
    act = world.expert(task.scene(1), None)
    if not error:
        assert act(env, 0.0, np.random.default_rng(0)).recorded[0] == action
        return
    with pytest.raises(UserError, match=error):
        act(env, 0.0, np.random.default_rng(0))
