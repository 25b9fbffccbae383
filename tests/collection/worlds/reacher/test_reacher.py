"""The reacher: kinematics, hidden signs, demonstrations and pictures."""

import dataclasses
import itertools

import mujoco
import numpy as np
import pytest
from absl.testing import absltest
from dm_env import test_utils
from reached import LAYOUT, SIGNS, SUITE, demonstrated, opened, played, scene_configs

from wtl.collection.drawing import scene, svg
from wtl.collection.vector_environment import ProcessVectorEnvironment
from wtl.collection.worlds.entities import (
    actuator_gains,
    physics,
)
from wtl.collection.worlds.entities.episode_spec import episode_spec
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.reacher import arm
from wtl.collection.worlds.reacher import world as worlds
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import episode, fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.fields import STATE


class ConformanceTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
    def make_object_under_test(self):
        return opened(scene_configs(1)[0])

    def make_action_sequence(self):
        rng = np.random.default_rng(0)
        for _ in range(120):
            yield rng.uniform(-1, 1, 2).astype(np.float32)


def test_kinematics_in_closed_form_are_those_of_the_model():
    env = opened(scene_configs(1)[0])
    env.reset()
    for _ in range(30):
        env.step([0.7, -0.4])
        np.testing.assert_allclose(
            arm.forward(env.world.joints)[1], env.world.tip, atol=1e-6
        )
    for bent in (-1, 1):
        for target in env.world.targets:
            np.testing.assert_allclose(
                arm.forward(arm.inverse(target, bent))[1], target, atol=1e-9
            )
            assert np.sign(arm.inverse(target, bent)[1]) == bent


def test_a_target_is_reached_if_and_only_if_the_assumed_signs_are_right():
    """Of 8 hidden tasks each needs another behaviour: none does for two."""
    for scene_config in scene_configs(10):
        for target, gains, assumed in itertools.product((0, 1), SIGNS, SIGNS):
            task = dataclasses.replace(scene_config.task, gains=gains)
            env = opened(SceneConfig(task, scene_config.scene_seed, target))
            last = played(env, assumed)[-1]
            assert last.reward == (assumed == gains)
            assert env.achieved(target) == (assumed == gains)
            assert not env.achieved(1 - target)


def test_demonstrations_have_nominal_actuators_and_a_trial_shows_the_signs():
    task = SUITE.tasks(fields.SPLIT_TRAIN)[0]
    (scene_config, *_) = SUITE.demonstration_scenes(task)
    made = [
        demonstrated(
            dataclasses.replace(
                scene_config, task=dataclasses.replace(task, gains=gains)
            )
        )
        for gains in SIGNS
    ]
    for other in made[1:]:
        for name in (fields.STATE, fields.ACTION):
            np.testing.assert_array_equal(made[0].steps[name], other.steps[name])
    # A trial is played under the motors of the task.
    trials = []
    for gains in SIGNS:
        faulty = dataclasses.replace(task, gains=gains)
        env = opened(SceneConfig(faulty, scene_config.scene_seed, scene_config.target))
        env.reset()
        trials.append(env.step([0.5, 0.5]).observation[STATE])
    assert len(np.unique(np.array(trials).round(4), axis=0)) == len(SIGNS)


def test_all_8_hidden_tasks_occur():
    tasks = SUITE.tasks(fields.SPLIT_TEST)
    assert len({(task.rule.index, task.gains) for task in tasks}) == 8
    train = SUITE.tasks(fields.SPLIT_TRAIN)
    motors_of = {}
    for task in train:
        motors_of.setdefault(task.object_set.name, set()).add(task.gains)
    assert max(map(len, motors_of.values())) > 1, "colours tell the motors"


def test_demonstrations_fit_the_schema_and_are_read_without_the_simulator():
    spec = episode_spec(2, hidden_gains=True, domain="reacher")
    made = [
        demonstrated(scene_config)
        for task in SUITE.tasks(fields.SPLIT_TRAIN)
        for scene_config in SUITE.demonstration_scenes(task)
    ]
    assert None not in made
    for one in made:
        episode.validate(one, spec)
        assert len(one) == 51
        assert one.metadata[fields.CONTROL_HZ] == 50
        assert one.metadata[fields.SUCCESS]
    states = np.stack([one.steps[fields.STATE] for one in made])
    np.testing.assert_array_equal(
        LAYOUT.acted_slots(states),
        [one.metadata[fields.HIDDEN_TARGET] for one in made],
    )
    assert (LAYOUT.acted_slots(states[:, :1]) == -1).all()
    identities, places = LAYOUT.identities_and_places(states[:, 0])
    for name in {one.metadata[fields.OBJECT_SET] for one in made}:
        rows = [i for i, m in enumerate(made) if m.metadata[fields.OBJECT_SET] == name]
        rgb = LAYOUT.split(states[rows, 0])["targets"][..., 2:]
        ordered = np.take_along_axis(
            rgb, identities[rows].argsort(axis=1)[..., None], axis=1
        )
        assert np.ptp(ordered, axis=0).max() == 0
    x = LAYOUT.split(states[:, 0])["targets"][..., 0]
    np.testing.assert_array_equal(places, x.argsort(axis=1).argsort(axis=1))


def test_same_seed_gives_the_same_episode_whatever_came_before():
    scene_config = scene_configs(1)[0]
    fresh = demonstrated(scene_config)
    env = opened(scene_configs(3)[2])
    played(env, (1.0, 1.0))
    env.prepare(scene_config)
    again, fresh_env = played(env, (1.0, 1.0)), played(opened(scene_config), (1.0, 1.0))
    for one, other in zip(again, fresh_env, strict=True):
        np.testing.assert_array_equal(one.observation[STATE], other.observation[STATE])
    for name, array in demonstrated(scene_config).steps.items():
        np.testing.assert_array_equal(array, fresh.steps[name])


def test_physics_state_renders_the_scene_again():
    scene_config = scene_configs(1)[0]
    made = demonstrated(scene_config)
    model = worlds.compile_model(scene_config.task.object_set)
    data = mujoco.MjData(model)
    for step in (0, -1):
        state = made.steps[fields.PHYSICS_STATE][step]
        mujoco.mj_setState(model, data, state, physics.STATE_SPEC)
        mujoco.mj_forward(model, data)
        tip = LAYOUT.split(made.steps[fields.STATE][step])["arm"][6:8]
        np.testing.assert_allclose(
            data.site_xpos[model.site(f"arm/{arm.TIP}").id, :2], tip, atol=1e-5
        )
        scene = scene_config.task.object_set.scene(scene_config.scene_seed)
        np.testing.assert_allclose(data.mocap_pos[:, :2], scene.positions)


def test_dense_reward_is_the_distance_and_tells_success_by_its_sign():
    for scene_config, gains in itertools.product(scene_configs(5), SIGNS):
        task = dataclasses.replace(
            scene_config.task, gains=gains, domain="dense_reacher"
        )
        dense, sparse = (
            played(opened(dataclasses.replace(scene_config, task=t)), (1.0, 1.0))
            for t in (task, dataclasses.replace(task, domain="reacher"))
        )
        slot = _slot(scene_config)
        for rich, plain in zip(dense[1:], sparse[1:], strict=True):
            state = rich.observation[STATE]
            np.testing.assert_array_equal(state, plain.observation[STATE])
            rows = LAYOUT.split(state)
            way = rows["targets"][slot, :2] - rows["arm"][6:8]
            assert rich.reward == pytest.approx(
                plain.reward - np.linalg.norm(way), abs=1e-6
            )
        assert (dense[-1].reward > 0) == (sparse[-1].reward > 0)


def _slot(scene_config):
    env = opened(scene_config)
    env.reset()
    return env.target_slot


def test_vector_environments_play_as_long_as_their_world():
    scenes = scene_configs(3)
    with ProcessVectorEnvironment(2) as pool:
        observed = pool.reset(scenes)
        assert pool.horizon == 50
        assert observed[STATE].shape == (3, LAYOUT.state_size)


def test_pictures_of_the_arm_move():
    made = demonstrated(scene_configs(1)[0])
    states = made.steps[fields.STATE]
    still = scene.draw(states, LAYOUT, "Watch", 0, 1)
    assert "Watch" in still and "<animate" not in still
    moving = scene.draw(states, LAYOUT, "Watch", 0, 1, svg.Clip())
    assert moving.count("<animateTransform") >= 2


def test_unknown_worlds_and_joints_are_refused():
    with pytest.raises(UserError, match="suite.domain is 'swimmer'"):
        TaskDistribution(domain="swimmer")
    with pytest.raises(UserError, match="the robot has shoulder, elbow"):
        dataclasses.replace(
            SUITE, motor_faults=actuator_gains.ActuatorGainDistribution()
        ).tasks(fields.SPLIT_TEST)
