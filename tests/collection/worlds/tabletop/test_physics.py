"""Actions have the units they claim; hidden friction acts; states restore."""

import mujoco
import numpy as np
import pytest

from wtl.collection.worlds.entities import physics
from wtl.collection.worlds.tabletop import object_set as object_sets
from wtl.collection.worlds.tabletop import observation
from wtl.collection.worlds.tabletop import scene as scenes
from wtl.collection.worlds.tabletop import world as worlds

_SET = object_sets.draw("test-00000", 3, seed=0)


def _world(friction=0.8, scene_seed=0):
    world = worlds.World()
    world.reset(_SET, friction, scenes.draw(3, scene_seed))
    return world


def _centred():
    """A world whose gripper has room in every direction."""
    world = _world()
    middle = np.append((worlds.SETPOINT_LOW + worlds.SETPOINT_HIGH)[:3] / 2, 0.0)
    for _ in range(8):
        scale = [worlds.TRANSLATION_STEP] * 3 + [worlds.YAW_STEP]
        world.step(np.append((middle - world.setpoint) / scale, 0.0))
    np.testing.assert_allclose(world.gripper_pose, middle, atol=0.003)
    return world


@pytest.mark.parametrize("sign", (-1, 1))
@pytest.mark.parametrize("axis", range(4))
def test_action_one_moves_by_one_step(axis, sign):
    world = _centred()
    before = world.gripper_pose.copy()
    action = np.zeros(5)
    action[axis] = sign
    world.step(action)
    soon = (world.gripper_pose - before)[axis] * sign
    world.step(np.zeros(5))
    world.step(np.zeros(5))
    moved = (world.gripper_pose - before) * sign
    expected = worlds.YAW_STEP if axis == 3 else worlds.TRANSLATION_STEP
    assert 0.5 * expected < soon < 1.1 * expected
    assert moved[axis] == pytest.approx(expected, rel=0.05)
    assert np.abs(np.delete(moved, axis)).max() < 0.005


def test_finger_opens_and_closes():
    world = _world()
    for finger, low, high in ((-1, 0.08, 0.09), (1, -0.005, 0.002), (0, 0.025, 0.04)):
        for _ in range(5):
            world.step(np.array([0, 0, 0, 0, finger]))
        assert low < world.finger_gap < high


def test_setpoint_ramps_within_a_step(monkeypatch):
    world = _world()
    controls, original = [world.data.ctrl.copy()], mujoco.mj_step

    def step(model, data, substeps):
        controls.append(data.ctrl.copy())
        original(model, data, substeps)

    monkeypatch.setattr(mujoco, "mj_step", step)
    world.step(np.array([0.5, 0, 0, 0, 1]))
    increments = np.diff(controls, axis=0)
    assert len(increments) == worlds.CHUNKS
    np.testing.assert_allclose(increments, np.tile(increments[0], (5, 1)), atol=1e-12)
    assert increments[0, 0] == pytest.approx(0.04 / worlds.CHUNKS)
    assert world.time == pytest.approx(1 / worlds.CONTROL_HZ)


def test_actions_beyond_one_are_clipped():
    one, other = _world(), _world()
    rng = np.random.default_rng(0)
    for _ in range(10):
        action = rng.uniform(-3, 3, 5)
        one.step(action)
        other.step(np.clip(action, -1, 1))
        assert one.physics_state().tobytes() == other.physics_state().tobytes()


@pytest.mark.parametrize("sign", (-1, 1))
def test_gripper_stays_in_its_workspace(sign):
    world = _world()
    for axis in (2, 0, 1, 3):
        for _ in range(15):
            action = np.zeros(5)
            action[axis] = sign
            world.step(action)
            assert (world.setpoint >= worlds.SETPOINT_LOW).all()
            assert (world.setpoint <= worlds.SETPOINT_HIGH).all()
            # Held back by an obstacle, the setpoint does not run away.
            lead = np.abs(world.setpoint - world.gripper_pose)[:3]
            assert lead.max() < 0.19


def _strike(friction):
    """The same blind strike of the middle object under some friction."""
    world = _world(friction)
    (index,) = np.flatnonzero(world.scene.object_places == 1)
    x, y, _ = world.initial_positions[index]
    before = []
    for z in (0.15, 0.006):
        target = np.array([x, y - 0.1, z])
        for _ in range(6):
            delta = (target - world.setpoint[:3]) / worlds.TRANSLATION_STEP
            world.step(np.array([*np.clip(delta, -1, 1), 0, 1]))
            before.append(observation.observe(world, 0).tobytes())
    positions = []
    for i in range(25):
        world.step(np.array([0, 0.6 if i < 4 else 0, 0, 0, 1]))
        positions.append(world.object_positions[index, 1])
    return before, np.array(positions) - y


def test_friction_is_hidden_until_something_slides():
    struck = [_strike(friction) for friction in (0.04, 0.055, 0.07, 0.8)]
    assert all(before == struck[0][0] for before, _ in struck)
    distances = [positions[-1] for _, positions in struck]
    assert distances[0] > distances[1] + 0.02
    assert distances[1] > distances[2] + 0.02
    assert distances[2] > distances[3] + 0.1
    assert distances[3] > 0.02  # it was struck all the same


def test_physics_state_restores_the_scene():
    world = _world(scene_seed=2)
    rng = np.random.default_rng(0)
    for _ in range(20):
        world.step(np.append(rng.uniform(-1, 0.5, 4), 1))
    restored = mujoco.MjData(world.model)
    mujoco.mj_setState(world.model, restored, world.physics_state(), physics.STATE_SPEC)
    mujoco.mj_forward(world.model, restored)
    np.testing.assert_array_equal(restored.qpos, world.data.qpos)
    np.testing.assert_array_equal(restored.mocap_pos, world.data.mocap_pos)
    np.testing.assert_array_equal(restored.xpos, world.data.xpos)
    assert restored.time == world.time
    # Anchor and buttons, which a scene places, are part of the state.
    assert np.abs(restored.mocap_pos).max() > 0.1


def test_pressing_is_noticed_within_a_step():
    world = _world()
    assert world.first_pressed is None
    x, y, _ = world.button_positions[1]
    for z in (0.1, 0.004):
        for _ in range(6):
            delta = (np.array([x, y, z]) - world.setpoint[:3]) / 0.08
            world.step(np.array([*np.clip(delta, -1, 1), 0, 1]))
    assert world.first_pressed == 1
    assert world.button_travel.argmax() == 1
    assert world.button_positions[1, 2] < world.button_positions[0, 2]
