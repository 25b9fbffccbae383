"""Images: rendered when asked for, the same for the same seed, true to the scene."""

import numpy as np
import pytest

from wtl.collection import opengl
from wtl.collection.worlds.tabletop import appearance, experts
from wtl.collection.worlds.tabletop.environment import Manipulation
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.camera import CameraConfig
from wtl.datasets.contract.fields import IMAGE, PROPRIOCEPTION, STATE, WRIST_IMAGE

PIXELS = 64


@pytest.fixture(autouse=True, scope="module")
def backend():
    try:
        return opengl.find_renderer()
    except opengl.RendererNotFoundError as error:
        pytest.skip(str(error))


def _scene_configs(count: int):
    suite = TaskDistribution(train_object_sets=count, train_tasks=count)
    return [
        suite.demonstration_scenes(task)[0] for task in suite.tasks(fields.SPLIT_TRAIN)
    ]


def test_images_have_the_colours_of_the_scene():
    for setup in _scene_configs(4):
        env = Manipulation(setup, CameraConfig(PIXELS))
        image = env.reset().observation[IMAGE].astype(float)
        assert image.shape == (PIXELS, PIXELS, 3)
        # Somewhere every object's hue stands out from the grey table.
        for prop in setup.task.object_set.props:
            hue = np.array(prop.rgb) - np.mean(prop.rgb)
            if np.linalg.norm(hue) < 0.3:
                continue
            deviation = image - image.mean(axis=-1, keepdims=True)
            likeness = (deviation @ (hue / np.linalg.norm(hue))) / np.linalg.norm(
                deviation + 1e-9, axis=-1
            )
            strong = np.linalg.norm(deviation, axis=-1) > 20
            assert (strong & (likeness > 0.95)).sum() >= 4


def test_same_seed_same_image_and_objects_do_not_mix():
    first, second = _scene_configs(2)
    env = Manipulation(first, CameraConfig(PIXELS))
    image = env.reset().observation[IMAGE]
    env.prepare(second)
    other = env.reset().observation[IMAGE]
    assert (image != other).any()
    again = Manipulation(first, CameraConfig(PIXELS)).reset().observation[IMAGE]
    np.testing.assert_array_equal(image, again)


def test_proprioception_is_part_of_the_state():
    env = Manipulation(_scene_configs(1)[0], CameraConfig(PIXELS))
    env.reset()
    observed = env.step(np.full(5, 0.5)).observation
    assert set(observed) == set(env.observation_spec())
    for name, spec in env.observation_spec().items():
        spec.validate(observed[name])
    assert set(observed[PROPRIOCEPTION]) <= set(observed[STATE])


def test_moving_the_gripper_shows():
    env = Manipulation(_scene_configs(1)[0], CameraConfig(PIXELS))
    before = env.reset().observation[IMAGE]
    after = env.step(np.array([1.0, 0, 0, 0, 0])).observation[IMAGE]
    changed = (before != after).any(axis=-1).mean()
    assert 0.005 < changed < 0.3  # the gripper alone


def test_the_wrist_camera_sees_what_is_held():
    setup = next(s for s in _scene_configs(10) if s.task.family == "grasp")
    env = Manipulation(setup, CameraConfig(PIXELS, wrist=True))
    timestep = env.reset()
    while not timestep.last():
        command = experts.DEMONSTRATORS["grasp"](env.world, setup.target)
        timestep = env.step(command.action)
    assert timestep.reward == 1
    observed = timestep.observation
    for name, spec in env.observation_spec().items():
        spec.validate(observed[name])
    rgb = setup.task.object_set.props[setup.target].rgb
    shares = {}
    for name in (IMAGE, WRIST_IMAGE):
        # Whatever the light, what is held keeps the direction of its colour.
        pixels = observed[name].reshape(-1, 3).astype(float)
        cosine = pixels @ rgb / np.linalg.norm(pixels, axis=1) / np.linalg.norm(rgb)
        shares[name] = (cosine > 0.995).mean()
    assert shares[WRIST_IMAGE] > 5 * shares[IMAGE] > 0


def test_a_second_camera_changes_nothing_for_the_first():
    setup = _scene_configs(1)[0]
    alone, both = (
        Manipulation(setup, CameraConfig(PIXELS)),
        Manipulation(setup, CameraConfig(PIXELS, wrist=True)),
    )
    for env in (alone, both):
        env.reset()
    for _ in range(2):
        expected = alone.step(np.full(5, 0.3)).observation
        found = both.step(np.full(5, 0.3)).observation
        assert set(found) - set(expected) == {WRIST_IMAGE}
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize("pixels", [30, 100])
def test_images_of_any_size(pixels):
    env = Manipulation(_scene_configs(1)[0], CameraConfig(pixels, wrist=pixels > 0))
    observed = env.reset().observation
    for name in (IMAGE, WRIST_IMAGE):
        assert observed[name].shape == (pixels, pixels, 3)
        assert observed[name].std() > 10


def test_looks_differ_between_scenes_and_keep_the_camera():
    one, other = appearance.draw_robot(1), appearance.draw_robot(2)
    assert one == appearance.draw_robot(1)
    assert one.table != other.table and one.lights != other.lights
    assert one.camera == other.camera


def test_a_varied_camera_differs_between_scenes_alone():
    setup = _scene_configs(1)[0]
    one, again, fixed = (
        Manipulation(setup, CameraConfig(PIXELS, varied=varied)).reset().observation
        for varied in (True, True, False)
    )
    np.testing.assert_array_equal(one[IMAGE], again[IMAGE])
    assert np.abs(one[IMAGE].astype(float) - fixed[IMAGE]).mean() > 5
    looks = [appearance.draw_robot(seed) for seed in range(20)]
    looks = [appearance.varied(look, seed) for seed, look in enumerate(looks)]
    # The places of objects stay in the picture.
    corners = np.array([(x, y, 0.02) for x in (-0.25, 0.25) for y in (-0.25, 0.2)])
    shown = np.stack([look.camera.project(corners) for look in looks])
    assert np.abs(shown).max() < 1 and np.ptp(shown, axis=0).min() > 0.05
    assert np.ptp([look.table for look in looks], axis=0).min() > 0.3


def test_without_opengl_one_clear_error(monkeypatch):
    opengl.find_renderer.cache_clear()
    monkeypatch.setattr(opengl, "_PROBE", "raise SystemExit(1)")
    with pytest.raises(opengl.RendererNotFoundError, match="apt-get install"):
        opengl.find_renderer()
    opengl.find_renderer.cache_clear()


def test_software_renderers_are_called_so():
    assert opengl.is_software("llvmpipe (LLVM 15.0.6, 256 bits)")
    assert not opengl.is_software("NVIDIA H200/PCIe/SSE2")


def test_an_image_point_leads_back_to_its_place():
    for camera in (appearance.ROBOT_CAMERA, appearance.draw_human(3).camera):
        place = np.array((0.1, 0.05, 0.03))
        found = camera.place(camera.project(place), height=place[2])
        np.testing.assert_allclose(found, place[:2], atol=1e-9)
