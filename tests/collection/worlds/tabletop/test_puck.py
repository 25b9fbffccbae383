"""Objects whose dynamics are all hidden move as these dynamics say."""

import dataclasses

import mujoco
import numpy as np
import pytest
from demonstrating import demonstrate, request

from wtl.collection.worlds.entities.episode_spec import episode_spec
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.tabletop import scene as scenes
from wtl.collection.worlds.tabletop.environment import Manipulation
from wtl.collection.worlds.tabletop.puck import HIDDEN_SIZE, Puck, PuckRanges
from wtl.collection.worlds.tabletop.world import World
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import episode_id, validate
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.fields import STATE

PUCKS = TaskDistribution(
    families=("slide",), puck=PuckRanges(), train_object_sets=20, train_tasks=20
)
_PUCK = Puck((0.3, 0.6), 0.01, 0.05, 0.2, 0.0, 0.3)


def _slid(puck, axis, speed=1.0):
    """Distance that the first object slides from some speed, metres."""
    world = World()
    objects = puck.weigh(PUCKS.tasks(fields.SPLIT_TRAIN)[0].object_set)
    world.reset(objects, puck.friction[1], scenes.draw(3, 0), puck=puck)
    world.data.qvel[world._at.object_velocity[0, axis]] = speed
    for _ in range(20):
        world.step(np.array([0, 0, 0, 0, 1.0]))
    return (world.object_positions - world.initial_positions)[0, axis]


@pytest.mark.parametrize("axis", (0, 1))
def test_friction_differs_along_x_and_y(axis):
    expected = 1 / (2 * 9.81 * _PUCK.friction[axis])
    assert _slid(_PUCK, axis) == pytest.approx(expected, rel=0.15)


def test_every_dynamic_reaches_the_simulation():
    world = World()
    objects = PUCKS.tasks(fields.SPLIT_TRAIN)[0].object_set
    for puck in (_PUCK, None):
        weighed = puck.weigh(objects) if puck else objects
        world.reset(weighed, 0.6, scenes.draw(3, 0), puck=puck)
        body = mujoco.mj_name2id(world.model, mujoco.mjtObj.mjOBJ_BODY, "object_0/")
        assert world.model.body_mass[body] == pytest.approx(weighed.props[0].mass)
        expected = (0.6, 0.3, 0.01, 0.05, 0.05) if puck else (0.6, 0.6, 0.01, 0, 0)
        np.testing.assert_allclose(world.model.pair_friction[0], expected, atol=1e-3)
        assert world.model.pair_dim[0] == (6 if puck else 4)


def test_dynamics_are_drawn_within_their_ranges_and_change_nothing_else():
    ranges = PUCKS.puck
    suite = dataclasses.replace(PUCKS, train_object_sets=200, train_tasks=200)
    tasks = suite.tasks(fields.SPLIT_TRAIN)
    hidden = np.array([task.puck.hidden for task in tasks])
    hidden[:, 1] /= hidden[:, 0]
    for column, name in zip(
        hidden.T,
        ("friction", "friction_ratio", "torsional", "rolling", "mass"),
        strict=True,
    ):
        low, high = getattr(ranges, name)
        assert low <= column.min() < low + 0.1 * (high - low)
        assert high >= column.max() > high - 0.1 * (high - low)
    sound = dataclasses.replace(suite, puck=None).tasks(fields.SPLIT_TRAIN)
    for task, other in zip(tasks, sound, strict=True):
        assert task.task_id == other.task_id and task.friction == task.puck.friction[1]
        rgbs = [[p.rgb for p in t.object_set.props] for t in (task, other)]
        assert rgbs[0] == rgbs[1]
        assert {p.mass for p in task.object_set.props} == {task.puck.mass}


def test_every_attempt_starts_a_little_different():
    task = PUCKS.tasks(fields.SPLIT_TRAIN)[0]
    scene_config = SceneConfig(task, 5, 0)
    starts = []
    for attempt in ("a", "b", "a"):
        env = Manipulation(dataclasses.replace(scene_config, attempt=attempt))
        env.reset()
        starts.append(env.world.initial_positions.copy())
    np.testing.assert_array_equal(starts[0], starts[2])
    moved = np.abs(starts[0] - starts[1])
    assert moved[:, :2].min() > 0 and moved[:, :2].max() < 0.15
    # Without noise an attempt is no more than a name.
    plain = dataclasses.replace(task, puck=None)
    states = [
        Manipulation(SceneConfig(plain, 5, 0, attempt=name)).reset().observation[STATE]
        for name in "ab"
    ]
    np.testing.assert_array_equal(*states)


def test_the_expert_strikes_as_hard_as_needed():
    made = []
    for i, task in enumerate(PUCKS.tasks(fields.SPLIT_TRAIN)):
        scene_config = PUCKS.demonstration_scenes(task, 1)[0]
        name = episode_id(fields.WTL_DEMOS, task.task_id, "demo", 0, i)
        episode = demonstrate(request(scene_config, name, i), 0.15, attempts=1)
        made += [episode] if episode else []
    assert len(made) >= 14
    validate(made[0], episode_spec(3, dynamics_size=HIDDEN_SIZE))
    np.testing.assert_allclose(
        made[0].metadata[fields.HIDDEN_PUCK],
        PUCKS.tasks(fields.SPLIT_TRAIN)[0].puck.hidden,
    )
    with pytest.raises(ValueError, match="hidden/puck"):
        validate(made[0], episode_spec(3))


def test_imagining_changes_nothing():
    env = Manipulation(SceneConfig(PUCKS.tasks(fields.SPLIT_TRAIN)[0], 5, 0))
    env.reset()
    before = env.world.physics_state()
    imagined = env.world.imagine()
    action = np.array([0.2, 0.1, -0.3, 0.1, -1.0])
    imagined.step(action)
    np.testing.assert_array_equal(env.world.physics_state(), before)
    env.step(action)
    np.testing.assert_array_equal(imagined.physics_state(), env.world.physics_state())


@pytest.mark.parametrize(
    "wrong", ({"mass": (0.0, 0.1)}, {"rolling": (0.2, 0.1)}, {"start_noise": -1.0})
)
def test_impossible_ranges_are_refused(wrong):
    with pytest.raises(UserError, match=f"puck.{next(iter(wrong))}"):
        PuckRanges(**wrong)


def test_unknown_families_are_refused():
    with pytest.raises(UserError, match="'glide'; known are press"):
        TaskDistribution(families=("slide", "glide"))
    assert {t.family for t in PUCKS.tasks("val")} == {"slide"}
