"""The hand does what the gripper does, and leaves the gripper as it was."""

import dataclasses

import mujoco
import numpy as np
import pytest
from demonstrating import demonstrate, request

from wtl.collection.worlds.entities import physics
from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.collection.worlds.entities.episode_spec import episode_spec
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.tabletop import appearance, gripper, hand, model
from wtl.collection.worlds.tabletop import object_set as object_sets
from wtl.collection.worlds.tabletop import scene as scenes
from wtl.collection.worlds.tabletop import world as worlds
from wtl.collection.worlds.tabletop.environment import Manipulation
from wtl.collection.worlds.tabletop.families import FAMILIES
from wtl.collection.worlds.tabletop.human import Human
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.episode import episode_id, validate
from wtl.datasets.contract.fields import STATE

_EPISODES = 8
_SET = object_sets.draw("test-00000", 3, seed=0)
every_family = pytest.mark.parametrize("family", FAMILIES)
every_draw = pytest.mark.parametrize(
    "draw", (appearance.draw_robot, appearance.draw_human)
)

_NOISE = 0.15


def _requests(family, count, embodiment=Embodiment.HUMAN):
    suite = TaskDistribution(test_tasks=count * len(FAMILIES), seed=11)
    tasks = [task for task in suite.tasks(fields.SPLIT_TEST) if task.family == family]
    return [
        request(
            SceneConfig(
                task, suite.scene_seed(task, "test_hand", 0), i % 3, embodiment
            ),
            episode_id(fields.WTL_DEMOS, task.task_id, "demo", 0, i),
            seed=i,
        )
        for i, task in enumerate(tasks)
    ]


def _world(embodiment=Embodiment.HUMAN):
    world = worlds.World()
    world.reset(_SET, 0.8, scenes.draw(3, 0), embodiment)
    return world


def _acting(world, finger, steps=8):
    """Lets a world hold still with a finger command."""
    for _ in range(steps):
        world.step(np.array([0, 0, 0, 0, finger]))
    mujoco.mj_forward(world.model, world.data)
    return world


def _angle(world, joint):
    return float(world.data.joint(f"hand/{joint}").qpos[0])


@every_family
def test_human_succeeds(family):
    episodes = [
        demonstrate(r, _NOISE, attempts=1) for r in _requests(family, _EPISODES)
    ]
    assert sum(episode is not None for episode in episodes) >= _EPISODES - 1


@every_family
def test_same_seed_same_episode(family):
    (wanted,) = _requests(family, 1)
    one, same = (demonstrate(wanted, _NOISE) for _ in range(2))
    other = demonstrate(dataclasses.replace(wanted, seed=99), _NOISE)
    validate(one, episode_spec(3, embodiment=Embodiment.HUMAN))
    assert one.metadata[fields.DEMONSTRATOR] == "simulated_human"
    for name, array in one.steps.items():
        assert array.tobytes() == same.steps[name].tobytes(), name
    states = one.steps[fields.STATE]
    assert (states[0] == other.steps[fields.STATE][0]).all()
    assert (states != other.steps[fields.STATE]).any()


@every_family
def test_human_moves_in_its_own_way(family):
    human, robot = (_requests(family, 1, body)[0] for body in reversed(Embodiment))
    shown, copied = (demonstrate(r, _NOISE).steps[fields.STATE] for r in (human, robot))
    position = slice(0, 3)
    assert (shown[0] == copied[0]).all()  # the same scene, the same start
    assert np.abs(shown[:, position] - copied[:, position]).max() > 0.03


def test_styles_differ_between_people():
    styles = [Human("push", seeding.generator("test", i)).style for i in range(20)]
    for field in dataclasses.fields(styles[0]):
        assert len({getattr(style, field.name) for style in styles}) > 2


@every_family
def test_gripper_is_the_default_and_unchanged(family):
    (wanted,) = _requests(family, 1, Embodiment.ROBOT)
    scene = wanted.scene
    assert SceneConfig(scene.task, scene.scene_seed, scene.target) == scene
    episode = demonstrate(wanted, _NOISE)
    assert episode.metadata[fields.DEMONSTRATOR] == "scripted"
    validate(episode, episode_spec(3))
    # An environment that has played with a hand plays on as a new one.
    env = Manipulation(_requests(family, 1)[0].scene)
    env.reset()
    env.prepare(scene)
    state = env.reset().observation[STATE]
    assert state.tobytes() == episode.steps[fields.STATE][0].tobytes()
    first = episode.steps[fields.PHYSICS_STATE][0]
    assert env.world.physics_state().tobytes() == first.tobytes()


def test_gripper_keeps_its_model():
    compiled = model.compile_model(_SET)
    arm, fingers, objects, buttons = 4, 2, 3, 3
    assert compiled.nv == arm + fingers + 6 * objects + buttons
    assert compiled.neq == 1
    assert compiled.nmat == 0
    assert mujoco.mj_stateSize(compiled, physics.STATE_SPEC) == 268
    assert compiled.body("gripper/hand").id == 4


def test_both_bodies_take_the_same_commands():
    models = {
        model.BODY_NAMES[body]: model.compile_model(_SET, body)
        for body in (model.ROBOTS[0], Embodiment.HUMAN)
    }
    of_gripper, of_hand = (
        [compiled.actuator(i).name.removeprefix(body) for i in range(compiled.nu)]
        for body, compiled in models.items()
    )
    assert of_gripper == of_hand
    for joint in (*gripper.ARM_JOINTS, *gripper.FINGERS):
        np.testing.assert_array_equal(
            *(found.joint(f"{body}/{joint}").range for body, found in models.items())
        )


@pytest.mark.parametrize("finger", (-1.0, -0.3, 0.0))
def test_drawn_tips_stay_at_the_pads(finger):
    world = _acting(_world(), finger)
    for digit, pad in (("thumb", "left_pad"), ("index", "right_pad")):
        drawn = world.data.body(f"hand/{digit}_distal")
        length = next(d.lengths[1] for d in hand.DIGITS if d.name == digit)
        tip = drawn.xpos - length * drawn.xmat.reshape(3, 3)[:, 2]
        box = world.data.geom(f"hand/{pad}")
        size = world.model.geom(f"hand/{pad}").size
        local = box.xmat.reshape(3, 3).T @ (tip - box.xpos)
        assert (np.abs(local) < size + 0.005).all(), (digit, local)


def test_fingers_close_upon_things_and_point_at_nothing():
    opened, half, closed = (_acting(_world(), finger) for finger in (-1, 0.1, 1))
    for world in (opened, half, closed):
        assert _angle(world, "thumb_middle") < 0 < _angle(world, "index_middle")
    for joint in ("index_knuckle", "middle_knuckle", "little_knuckle"):
        assert _angle(half, joint) > _angle(opened, joint) + 0.1
    assert _angle(opened, "middle_middle") < 1.2
    assert _angle(closed, "middle_middle") > 1.5
    assert _angle(closed, "index_middle") < 1.2


def test_elbow_stays_on_the_near_side():
    world = _world()
    for yaw in (1.0, -1.0):
        for _ in range(8):
            world.step(np.array([0, 0, 0, yaw, 0]))
        mujoco.mj_forward(world.model, world.data)
        assert abs(world.gripper_pose[3]) > 1.4
        heading = world.data.body("hand/forearm").xmat.reshape(3, 3)
        assert abs(np.arctan2(heading[1, 0], heading[0, 0])) < 0.4


def test_drawn_parts_touch_nothing():
    compiled = model.compile_model(_SET, Embodiment.HUMAN)
    for i in range(compiled.ngeom):
        name = compiled.body(compiled.geom_bodyid[i]).name
        if name.startswith("hand/") and name not in ("hand/left", "hand/right"):
            assert compiled.geom_contype[i] == compiled.geom_conaffinity[i] == 0
            assert compiled.geom_matid[i] >= 0
    for material in (hand.SKIN, hand.SLEEVE):
        assert compiled.material(f"hand/{material}").id in compiled.geom_matid


@every_draw
def test_appearances_are_drawn_by_seed(draw):
    assert draw(3) == draw(3)
    assert len({draw(seed) for seed in range(20)}) == 20
    for seed in range(20):
        look = draw(seed)
        colours = [look.table, look.ambient, look.skin, look.sleeve]
        colours += [light.diffuse for light in look.lights]
        assert np.min(colours) >= 0 and np.max(colours) <= 1
        for light in look.lights:
            assert np.linalg.norm(light.direction) == pytest.approx(1, abs=1e-4)
            assert light.direction[2] < 0 < light.position[2]


@every_draw
def test_every_place_is_in_the_picture(draw):
    drawn = [scenes.draw(3, seed) for seed in range(50)]
    places = np.concatenate(
        [scene.object_poses[:, :2] for scene in drawn]
        + [scene.button_positions for scene in drawn]
        + [[scene.anchor] for scene in drawn]
        + [[(scene.object_poses[:, 0].max(), scene.goal)] for scene in drawn]
    )
    points = np.column_stack((places, np.full(len(places), 0.02)))
    for seed in range(50):
        assert np.abs(draw(seed).camera.project(points)).max() < 1


def test_human_and_robot_look_different():
    robots = [appearance.draw_robot(seed) for seed in range(50)]
    people = [appearance.draw_human(seed) for seed in range(50)]
    assert len({look.camera for look in robots}) == 1
    assert len({look.camera for look in people}) == 50
    assert min(look.camera.azimuth for look in people) > robots[0].camera.azimuth + 10
    assert len({look.skin for look in people}) == 50
