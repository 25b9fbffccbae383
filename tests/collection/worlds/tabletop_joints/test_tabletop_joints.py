"""The arm takes commands of its joints, and keeps to the tabletop's workspace."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from demonstrating import demonstrate, requests

from wtl.collection import opengl
from wtl.collection.teleop.interface import Command
from wtl.collection.worlds import registry, scene_renderer
from wtl.collection.worlds.entities.actuator_gains import ActuatorGainDistribution
from wtl.collection.worlds.scene_renderer import Viewpoint
from wtl.collection.worlds.tabletop import arm
from wtl.collection.worlds.tabletop import world as worlds
from wtl.collection.worlds.tabletop.families import FAMILIES
from wtl.collection.worlds.tabletop.puck import PuckRanges
from wtl.collection.worlds.tabletop_joints import world as joint_worlds
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.camera import CameraConfig
from wtl.datasets.contract.episode import validate
from wtl.datasets.contract.errors import UserError
from wtl.policies import features
from wtl.training import augmentation

WORLD = registry.get("tabletop_joints")
SUITE = TaskDistribution(domain="tabletop_joints", test_tasks=20, seed=3)
LAYOUT = SUITE.layout
TASK = SUITE.tasks(fields.SPLIT_TEST)[0]
STILL = np.array([0.0] * 6 + [1.0])
_SLACK = 1e-5  # metres and radians


@pytest.fixture
def env():
    made = WORLD.make_env(TASK, 5)
    made.reset()
    return made


def _step(env, joint, amount=1.0):
    action = STILL.copy()
    action[joint] = amount
    return env.step(action)


@pytest.mark.parametrize("joint", range(6))
def test_an_action_moves_its_joint_by_the_documented_step(env, joint):
    world = env.world
    sign = (1, -1, -1, 1, 1, 1)[joint]  # up, not into the table
    before = world.joint_setpoint.copy()
    _step(env, joint, 0.5 * sign)
    moved = world.joint_setpoint - before
    expected = np.zeros(6)
    expected[joint] = 0.5 * sign * joint_worlds.JOINT_STEP[joint]
    np.testing.assert_allclose(moved, expected, atol=1e-9)
    for _ in range(4):
        env.step(STILL)
    np.testing.assert_allclose(world.joints, world.joint_setpoint, atol=2e-3)
    # The setpoint of the pose is where the joints' setpoints hold the gripper.
    np.testing.assert_allclose(world.gripper_pose, world.setpoint, atol=2e-3)


def test_the_hand_tilts_and_the_observation_shows_it(env):
    flat = LAYOUT.split(env.reset().observation[fields.STATE])
    np.testing.assert_allclose(flat["joints"][12:], 0, atol=1e-6)
    _step(env, 4)
    for _ in range(3):
        observed = env.step(STILL).observation[fields.STATE]
    row = LAYOUT.split(observed)["joints"]
    np.testing.assert_allclose(row[:6], env.world.joints, atol=1e-6)
    np.testing.assert_allclose(row[6:12], env.world.joint_setpoint, atol=1e-6)
    tilt = np.linalg.norm(row[12:])
    assert tilt == pytest.approx(np.sin(joint_worlds.JOINT_STEP[4]), abs=5e-3)


def test_the_scene_is_that_of_the_tabletop(env):
    domain = TaskDistribution(robot="ur10e", test_tasks=20, seed=3)
    task = domain.tasks(fields.SPLIT_TEST)[0]
    assert dataclasses.replace(TASK, domain="tabletop") == task
    other = domain.world.make_env(task, 5).reset().observation[fields.STATE]
    env.prepare(TASK.scene(5))
    ours = env.reset().observation[fields.STATE]
    known = domain.layout.split(other)
    for name, row in LAYOUT.split(ours).items():
        if name != "joints":
            np.testing.assert_allclose(row, known[name], atol=1e-6)


@pytest.mark.parametrize("kind", ("each step", "one direction"))
def test_whatever_is_commanded_the_setpoint_stays_in_the_workspace(env, kind):
    rng, world = np.random.default_rng(0), env.world
    for episode in range(20):
        env.prepare(TASK.scene(episode))
        timestep = env.reset()
        direction = rng.choice((-1.0, 1.0), 7)
        while not timestep.last():
            whim = rng.uniform(-1, 1, 7)
            before = world.data.ctrl[:6].copy()
            timestep = env.step(whim if kind == "each step" else direction)
            assert np.isfinite(timestep.observation[fields.STATE]).all()
            assert (world.setpoint >= worlds.SETPOINT_LOW - _SLACK).all()
            assert (world.setpoint <= worlds.SETPOINT_HIGH + _SLACK).all()
            # Close to the joints at which the gripper points down: no other branch.
            upright = arm.joints_of(world.setpoint)
            assert np.abs(world.joint_setpoint - upright).max() < 0.5
            assert np.hypot(*world.tilt) < joint_worlds.MAX_TILT + 0.05
            assert (np.abs(world.joints) < arm.LIMIT).all()
            moved = np.abs(world.data.ctrl[:6] - before) * worlds.CONTROL_HZ
            assert (moved <= arm.SPEEDS + 1e-6).all()
        assert not sum(warning.number for warning in world.data.warning)


def test_no_finger_of_a_tilted_gripper_is_sent_through_the_table(env):
    env.step(np.array([0, 0, 0, 0, 0, 0, -1.0]))
    for _ in range(12):
        env.step(np.array([0, 1.0, 0, 0, 1.0, 0, -1.0]))
    world = env.world
    size = np.hypot(*world.tilt)
    assert size > 0.15
    half_width = np.hypot(0.042 + 2 * 0.006, 0.012)  # of the open fingers
    lowest = world.setpoint[2] - half_width * min(size, joint_worlds.MAX_TILT)
    assert -1e-3 < lowest - worlds.SETPOINT_LOW[2] < 0.01
    pads = [world.model.geom(f"ur10e/{name}_pad").id for name in ("left", "right")]
    sizes = world.model.geom_size[pads]
    corners = np.array(np.meshgrid(*[(-1, 1)] * 3)).reshape(3, -1).T
    for geom, half in zip(pads, sizes, strict=True):
        rotation = world.data.geom_xmat[geom].reshape(3, 3)
        assert (world.data.geom_xpos[geom] + corners * half @ rotation.T)[
            :, 2
        ].min() > 0


def test_where_no_joints_are_found_the_setpoint_stays(env, monkeypatch):
    for _ in range(12):
        _step(env, 1)
    world = env.world
    before = world.joint_setpoint.copy(), world.setpoint.copy()
    monkeypatch.setattr(joint_worlds, "_ITERATIONS", 1)
    _step(env, 1)
    np.testing.assert_array_equal(world.joint_setpoint, before[0])
    np.testing.assert_array_equal(world.setpoint, before[1])


def test_held_back_the_setpoints_do_not_run_away(env):
    world, most = env.world, 2 * joint_worlds.JOINT_STEP
    world.model.dof_damping[:6] = 1e6  # as stuck
    for _ in range(5):
        _step(env, 0)
    assert (np.abs(world.joint_setpoint - world.joints) <= most + 1e-3).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_experts_succeed(family):
    played = [
        demonstrate(each, 0.15, attempts=1)
        for each in requests(SUITE, family, "test_joints")
    ]
    assert all(episode is not None for episode in played)
    for episode in played:
        action = episode.steps[fields.ACTION]
        assert action.shape[1] == 7 and np.abs(action).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_experts_succeed_nearly_always(family):
    wanted = requests(
        dataclasses.replace(SUITE, test_tasks=1000), family, "test_joints"
    )
    played = [demonstrate(each, 0.15, attempts=1) for each in wanted]
    rate = np.mean([episode is not None for episode in played])
    print(f"{family}, joints: {rate:.3f} of {len(played)}")
    assert rate >= 0.95


def test_experts_straighten_a_tilted_hand(env):
    for _ in range(2):
        _step(env, 4)
    expert = WORLD.expert(env.scene_config, None)
    rng = np.random.default_rng(0)
    assert np.hypot(*env.world.tilt) > 0.1
    for _ in range(6):
        env.step(expert(env, 0.0, rng).recorded)
    assert np.hypot(*env.world.tilt) < 0.01


def test_same_seed_same_episode():
    wanted = requests(SUITE, "stack", "test_joints")[0]
    one, same = (demonstrate(wanted, 0.15) for _ in range(2))
    validate(one, SUITE.episode_spec())
    for name, array in one.steps.items():
        assert array.tobytes() == same.steps[name].tobytes(), name


def test_the_arm_is_the_only_robot_and_the_default():
    assert SUITE.robot == TASK.robot == "ur10e"
    assert WORLD.tasks("test", 3, test_tasks=1)[0].robot == "ur10e"
    with pytest.raises(UserError, match="suite.robot is 'free'; 'tabletop_joints' has"):
        TaskDistribution(domain="tabletop_joints", robot="free")
    with pytest.raises(UserError, match="suite.puck needs objects .*'tabletop_joints'"):
        TaskDistribution(domain="tabletop_joints", puck=PuckRanges())
    with pytest.raises(UserError, match="names 'x'; the robot has joint1"):
        dataclasses.replace(SUITE, motor_faults=ActuatorGainDistribution()).tasks(
            "test"
        )


def test_default_robots_of_other_worlds_stay():
    for domain in ("tabletop", "reacher", "dataset:nowhere"):
        assert TaskDistribution(domain=domain).robot == "free"


def test_there_is_no_mirror():
    assert (LAYOUT.mirror_signs() == 1).all()
    symmetry = augmentation.draw(np.random.default_rng(0), 16)
    assert (symmetry.mirror < 0).any()
    action = tf.random.stateless_uniform((16, 7), (0, 0), -1, 1)
    mirrored = augmentation.apply_to_actions(symmetry, action, LAYOUT)
    np.testing.assert_array_equal(mirrored, action)


def test_motions_are_in_units_of_the_action(env):
    rng, states, actions = np.random.default_rng(0), [], []
    states.append(env.reset().observation[fields.STATE])
    for _ in range(6):
        actions.append(np.append(rng.uniform(-0.15, 0.15, 6), 1.0))
        states.append(env.step(actions[-1]).observation[fields.STATE])
    rows = features.split(tf.constant(states)[None], LAYOUT)
    moved = LAYOUT.features.motion(rows)[0].numpy()
    np.testing.assert_allclose(moved[:-1], actions, atol=2e-4)
    assert (moved[-1] == 0).all()


def test_network_inputs_tell_the_joints(env):
    state = env.reset().observation[fields.STATE]
    known = LAYOUT.features.body(features.split(tf.constant(state), LAYOUT)).numpy()
    place, _ = LAYOUT.rows["joints"]
    for number in range(place.start, place.stop):
        other = state.copy()
        other[number] += 0.01
        changed = LAYOUT.features.body(features.split(tf.constant(other), LAYOUT))
        assert np.abs(changed.numpy() - known).max() > 0.01
    assert np.abs(known).max() < 10


def test_operators_command_the_pose(env):
    world, teleop = env.world, WORLD.teleop
    expected = world.setpoint + (0.04, -0.04, 0.02, 0.1)
    rates = teleop.rates(env, Command(axes=(0.5, -0.5, 0.25, 0.2)))
    action = teleop.action(env, rates, -1.0)
    assert action[-1] == teleop.latch(action) == -1
    env.step(action)
    np.testing.assert_allclose(world.setpoint, expected, atol=1e-4)
    still = teleop.action(env, np.zeros(4), -1.0)
    held = teleop.hold(action)
    np.testing.assert_array_equal(still, held)
    assert list(teleop.moves(np.array([action, held]))) == [True, False]


def test_cameras_observe_the_joints_as_proprioception():
    try:
        opengl.find_renderer()
    except opengl.RendererNotFoundError as error:
        pytest.skip(str(error))
    made = WORLD.make_env(TASK, 5, CameraConfig(32, wrist=True))
    observed = made.reset().observation
    spec = made.observation_spec()
    for name, value in observed.items():
        assert value.shape == spec[name].shape, name
    state = observed[fields.STATE]
    expected = [*state[:28], state[-1]]  # gripper, joints, time
    np.testing.assert_array_equal(observed[fields.PROPRIOCEPTION], expected)
    episode = demonstrate(requests(SUITE, "press", "test_joints")[0], 0.0)
    renderer, spec = WORLD.renderer, SUITE.episode_spec()
    assert scene_renderer.WRIST in renderer.cameras(spec)
    pictures = renderer.render(
        spec,
        episode.steps[fields.STATE][0],
        episode.steps[fields.PHYSICS_STATE],
        range(0, 40, 20),
        7,
        Viewpoint(scene_renderer.ROBOT),
        48,
    )
    assert (pictures[0] != pictures[1]).any()
