"""The arm takes the free gripper's commands, and policies cannot tell the two apart."""

import dataclasses
import itertools

import mujoco
import numpy as np
import pytest
from demonstrating import demonstrate, requests

from wtl.collection import opengl
from wtl.collection.worlds import scene_renderer
from wtl.collection.worlds.scene_renderer import Viewpoint
from wtl.collection.worlds.tabletop import arm, model, restoration
from wtl.collection.worlds.tabletop import object_set as object_sets
from wtl.collection.worlds.tabletop import scene as scenes
from wtl.collection.worlds.tabletop import world as worlds
from wtl.collection.worlds.tabletop.environment import Manipulation
from wtl.collection.worlds.tabletop.families import FAMILIES
from wtl.collection.worlds.tabletop.puck import PuckRanges
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import validate
from wtl.datasets.contract.errors import UserError

_ROBOT = "ur10e"
_SET = object_sets.draw("test-00000", 3, seed=0)
_SUITE = TaskDistribution(robot=_ROBOT, test_tasks=20, seed=3)


def _world(robot=_ROBOT):
    world = worlds.World()
    world.reset(_SET, 0.8, scenes.draw(3, 0), robot)
    return world


def _joints(world):
    return np.array([world.data.joint(f"{_ROBOT}/{j}").qpos[0] for j in arm.JOINTS])


def _grid(steps):
    limits = zip(worlds.SETPOINT_LOW, worlds.SETPOINT_HIGH, strict=True)
    return itertools.product(*(np.linspace(*each, steps) for each in limits))


def test_every_setpoint_is_within_reach_and_joint_limits():
    world = _world()
    hand = world.model.body(f"{_ROBOT}/hand").id
    address = [world.model.joint(f"{_ROBOT}/{j}").qposadr[0] for j in arm.JOINTS]
    for pose in _grid(4):
        joints = arm.joints_of(np.array(pose))
        assert np.abs(joints).max() < arm.LIMIT
        world.data.qpos[address] = joints
        mujoco.mj_kinematics(world.model, world.data)
        np.testing.assert_allclose(world.gripper_pose, pose, atol=1e-9)
        assert world.data.xmat[hand][8] == pytest.approx(1)  # it points down


def test_neighbouring_setpoints_have_neighbouring_joints():
    for pose in _grid(4):
        near = np.add(pose, (0.001, 0.001, 0.001, 0.001))
        moved = arm.joints_of(near) - arm.joints_of(np.array(pose))
        assert np.abs(moved).max() < 0.01


@pytest.mark.parametrize("pose", [(0, -5, 0.1, 0), (*arm.BASE[:2], 0.1, 0)])
def test_out_of_reach_the_joints_stay_finite(pose):
    assert np.isfinite(arm.joints_of(np.array(pose, float))).all()


def test_the_arm_follows_like_the_free_gripper():
    one, other = _world(), _world("free")
    for action in ((0.8, -0.5, 0.3, 0.3, 1), (0, 0, 0, 0, 1)) * 3:
        for world in (one, other):
            world.step(np.array(action))
        np.testing.assert_allclose(one.gripper_pose, other.gripper_pose, atol=0.02)
        np.testing.assert_allclose(one.setpoint, other.setpoint, atol=0.005)
    for _ in range(4):
        one.step(np.array((0, 0, 0, 0, 1)))
    np.testing.assert_allclose(one.gripper_pose, one.setpoint, atol=1e-3)


def test_velocity_is_the_change_of_position():
    world = _world()
    world.step(np.array((0.5, -0.5, 0.2, 0, 1)))
    before, speed = world.gripper_pose[:3], world.gripper_velocity
    mujoco.mj_step(world.model, world.data)
    mujoco.mj_kinematics(world.model, world.data)
    moved = (world.gripper_pose[:3] - before) / world.model.opt.timestep
    mean = (speed + world.gripper_velocity) / 2  # it brakes
    np.testing.assert_allclose(moved, mean, atol=0.015)
    assert np.linalg.norm(speed) > 0.2


def test_joints_keep_their_speed_limits():
    world, fastest = _world(), np.zeros(6)
    for sign in (1, -1, 1, -1):
        world.step(np.array((sign, sign, sign, sign, 1)))
        before = _joints(world)
        mujoco.mj_step(world.model, world.data)
        speed = np.abs(_joints(world) - before) / world.model.opt.timestep
        fastest = np.maximum(fastest, speed)
    assert (fastest < 1.1 * arm.SPEEDS).all()
    assert fastest.max() > 0.5 * arm.SPEEDS.max()  # it was asked for more


@pytest.mark.parametrize("family", FAMILIES)
def test_experts_succeed(family):
    played = [
        demonstrate(each, 0.15, attempts=1)
        for each in requests(_SUITE, family, "test_arm")
    ]
    assert sum(episode is not None for episode in played) >= len(played) - 1


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_experts_succeed_nearly_always(family):
    wanted = requests(dataclasses.replace(_SUITE, test_tasks=1000), family, "test_arm")
    played = [demonstrate(each, 0.15, attempts=1) for each in wanted]
    rate = np.mean([episode is not None for episode in played])
    print(f"{family}, {_ROBOT}: {rate:.3f} of {len(played)}")
    assert rate >= 0.95


def test_same_seed_same_episode():
    wanted = requests(_SUITE, "stack", "test_arm")[0]
    one, same = (demonstrate(wanted, 0.15) for _ in range(2))
    validate(one, _SUITE.episode_spec())
    for name, array in one.steps.items():
        assert array.tobytes() == same.steps[name].tobytes(), name


def test_the_robot_is_the_only_difference_of_its_tasks():
    free = dataclasses.replace(_SUITE, robot="free")
    for one, other in zip(_SUITE.tasks("test"), free.tasks("test"), strict=True):
        assert dataclasses.replace(one, robot="free") == other
    envs = [Manipulation(suite.tasks("test")[0].scene(5)) for suite in (_SUITE, free)]
    one, other = (env.reset().observation[fields.STATE] for env in envs)
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert envs[0].action_spec() == envs[1].action_spec()


def test_an_environment_changes_robots():
    config = requests(_SUITE, "press", "test_arm")[0].scene
    env = Manipulation(config)
    first = env.reset().observation[fields.STATE]
    free = dataclasses.replace(
        config, task=dataclasses.replace(config.task, robot="free")
    )
    env.prepare(free)
    env.reset()
    assert env.world.model.nu == 6
    env.prepare(config)
    np.testing.assert_array_equal(env.reset().observation[fields.STATE], first)


def test_stored_episodes_tell_their_robot():
    for robot in model.ROBOTS:
        spec = TaskDistribution(robot=robot).episode_spec()
        assert restoration.form_of(spec) == restoration.Form(3, robot)


def test_unknown_robots_are_refused():
    with pytest.raises(UserError, match="suite.robot is 'ur10'.*free, ur10e.*ur10e"):
        TaskDistribution(robot="ur10")
    with pytest.raises(UserError, match="'reacher' has free"):
        TaskDistribution(domain="reacher", robot=_ROBOT)
    with pytest.raises(UserError, match="suite.puck needs faster motions.*'free'"):
        TaskDistribution(robot=_ROBOT, puck=PuckRanges())


def test_films_show_more_than_the_stored_images():
    try:
        opengl.find_renderer()
    except opengl.RendererNotFoundError as error:
        pytest.skip(str(error))
    episode = demonstrate(requests(_SUITE, "press", "test_arm")[0], 0.0)
    spec = _SUITE.episode_spec()
    states = episode.steps[fields.PHYSICS_STATE]
    images = {
        camera: restoration.SceneRenderer().render(
            spec,
            episode.steps[fields.STATE][0],
            states,
            range(0, 40, 20),
            7,
            Viewpoint(camera),
            96,
        )
        for camera in (scene_renderer.ROBOT, scene_renderer.ORBIT, scene_renderer.WRIST)
    }
    for pictures in images.values():
        assert pictures.shape == (2, 96, 96, 3)
        assert (pictures[0] != pictures[1]).any()
    # The stored images' plain table has one colour but for the light; wood has grain.
    corner = {name: found[0, -24:, :24].astype(float) for name, found in images.items()}
    grain = {
        name: np.abs(np.diff(found, axis=0)).mean() for name, found in corner.items()
    }
    assert grain[scene_renderer.ORBIT] > 2 * grain[scene_renderer.ROBOT]
