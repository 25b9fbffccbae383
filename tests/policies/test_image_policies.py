"""Image policies: attention, training and tracking of their perception model."""

import dataclasses
import types

import numpy as np
import pytest
import tensorflow as tf

from wtl.collection import observation_encoder
from wtl.collection.worlds.entities import slot_order
from wtl.collection.worlds.tabletop import appearance
from wtl.collection.worlds.tabletop import object_set as object_sets
from wtl.collection.worlds.tabletop import scene as scenes
from wtl.collection.worlds.tabletop.observation import OBJECT, Layout, observe, slices
from wtl.collection.worlds.tabletop.perception import (
    attention,
    config,
    fovea,
    loss,
    network,
)
from wtl.collection.worlds.tabletop.perception import policy as perception_policy
from wtl.collection.worlds.tabletop.perception.examples import ExampleSource
from wtl.collection.worlds.tabletop.world import World
from wtl.datasets.contract import fields
from wtl.datasets.reading.store import stack
from wtl.datasets.testing.fakes import fake_episode
from wtl.policies import export
from wtl.policies.contextual import config as contextual_config
from wtl.policies.contextual import network as contextual_network
from wtl.policies.contextual import policy as contextual_policy

LAYOUT = Layout(3)
PIXELS = 32


def _states(count: int) -> np.ndarray:
    states = []
    for seed in range(count):
        world = World()
        world.reset(
            object_sets.draw(f"train-{seed:05d}", 3, 0), 0.4, scenes.draw(3, seed)
        )
        world.step(np.array([0.3, -0.2, 0.1, 0.2, 0.0]))
        states.append(observe(world, 0.1))
    return np.stack(states)


def _store(count: int, length: int = 4):
    rng = np.random.default_rng(0)
    episodes = stack([fake_episode(i, transitions=length - 1) for i in range(count)])
    state = np.repeat(_states(count)[:, None], length, axis=1)
    image = rng.integers(0, 256, (count, length, PIXELS, PIXELS, 3), dtype=np.uint8)
    changed = {
        "state": state,
        "images": {"image": image},
        "length": np.full(count, length),
    }
    metadata = dict(episodes.metadata)
    metadata[fields.HIDDEN_ACHIEVED] = metadata[fields.HIDDEN_TARGET]
    store = type(episodes)(**{**vars(episodes), **changed, "metadata": metadata})
    return slot_order.by_place(store, LAYOUT)


@pytest.fixture(scope="module")
def perception():
    tf.random.set_seed(0)
    made = network.Perception(config.PerceptionConfig(3, PIXELS))
    made.create()
    return made


def test_attention_to_one_cell_is_a_point_in_it():
    side = 8
    points = np.random.default_rng(0).uniform(-1, 1, (5, 4, 2)).astype(np.float32)
    cells = attention.cell(tf.constant(points), side).numpy()
    layer = attention.CoarseMap(8)
    found = attention.attend(
        layer(tf.zeros((5, 4 * side, 4 * side, 3))),
        100.0 * tf.transpose(tf.one_hot(cells, side**2), (0, 2, 1)),
    )
    # No further away than half a cell, right and down alike.
    assert np.abs(found.point.numpy() - points).max() <= 1 / side + 1e-5


@pytest.mark.parametrize("pixels", [30, 50, 66, 100])
def test_cells_lie_where_the_map_says_whatever_the_size(pixels):
    tf.random.set_seed(0)
    layer = attention.CoarseMap(8)
    # The strides of two convolutions make the map; what follows only blurs it.
    layer._convolutions = layer._convolutions[:2]
    places = np.random.default_rng(0).integers(0, pixels, (64, 2))
    images = np.zeros((64, pixels, pixels, 3), np.float32)
    images[np.arange(64), places[:, 1], places[:, 0]] = 1
    answer = layer(tf.constant(images)) - layer(tf.zeros((1, pixels, pixels, 3)))
    weights = tf.reduce_sum(tf.abs(answer[..., :-4]), axis=-1).numpy()
    side = -(-pixels // attention.STRIDE)
    assert weights.shape == (64, side**2)
    active = weights.sum(axis=1) > 0  # some dots leave all ReLUs cold
    assert active.sum() > 40
    # In the logarithm of the weights these are their shares.
    logits = np.log(np.maximum(weights[active], 1e-12))[..., None]
    found = attention.attend(
        layer(tf.constant(images[active])), tf.constant(logits)
    ).point[:, 0]
    points = (places[active] + 0.5) / pixels * 2 - 1
    error = (found - points) * side / 2  # in cells
    assert np.abs(error).max() < 1.2 and np.abs(error.numpy().mean(axis=0)).max() < 0.5
    number = attention.cell(tf.constant(points, tf.float32), side).numpy()
    column = np.floor(places[active] * side / pixels).astype(int)
    assert np.abs(number % side - column[:, 0]).max() <= 1
    assert np.abs(number // side - column[:, 1]).max() <= 1


@pytest.mark.parametrize("pixels", [30, 50, 66, 100])
def test_crops_show_what_is_at_the_point_whatever_the_size(pixels, monkeypatch):
    shown = []
    crop = tf.image.crop_and_resize
    monkeypatch.setattr(
        tf.image, "crop_and_resize", lambda *a: shown.append(crop(*a)) or shown[-1]
    )
    grid = ((np.arange(pixels) + 0.5) / pixels * 2 - 1).astype(np.float32)
    # An image whose colours are its coordinates.
    right, down = np.meshgrid(grid, grid)
    image = np.stack([right, down, 0 * right], axis=-1)[None]
    points = np.random.default_rng(0).uniform(-0.7, 0.7, (1, 5, 2)).astype(np.float32)
    seen = fovea.Fovea(pixels, 0.25, 8)(tf.constant(image), tf.constant(points))
    assert seen.shape == (1, 5, 8)
    crops = shown[0].numpy()[..., :2]
    pixel = 2 / pixels
    np.testing.assert_allclose(crops.mean((1, 2)), points[0], atol=pixel / 2)
    # A quarter of the side, at about the resolution of the image.
    step = np.diff(crops[:, 0, :, 0], axis=1) / pixel
    assert 0.9 < step.min() and step.max() < 1.2
    extent = crops[:, 0, -1, 0] - crops[:, 0, 0, 0] + pixel
    np.testing.assert_allclose(extent, 0.5, atol=1.5 * pixel)


@pytest.mark.parametrize("pixels", [50, 100])
def test_perception_learns_from_images_of_any_size(pixels):
    store = _store(3)
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (3, 4, pixels, pixels, 3), np.uint8)
    source = ExampleSource(
        dataclasses.replace(store, images={"image": image}), LAYOUT, later=1
    )
    tf.random.set_seed(0)
    network_ = network.Perception(config.PerceptionConfig(3, pixels))
    network_.create()
    example = source.gather(source.draw(rng, 2))
    with tf.GradientTape() as tape:
        total = loss.loss(network_, example, tf.constant(0.0)).total
    gradients = tape.gradient(total, network_.trainable_variables)
    assert all(np.isfinite(g).all() and np.any(g) for g in gradients)
    watched = network_.watch(image, LAYOUT.proprioception(store.state))
    side = -(-pixels // attention.STRIDE)
    assert watched.heat.shape == (3, 4, side, side)


def test_mirrored_examples_are_those_of_a_mirrored_table():
    store = _store(6)
    source = ExampleSource(store, LAYOUT, later=2)
    rng = np.random.default_rng(1)
    mirrored = straight = 0
    for _ in range(4):
        drawn = source.draw(rng, 8)
        for image, _, state, point in zip(*drawn, strict=True):
            same = (store.image == image[0]).all(axis=(-1, -2, -3)).any(axis=1)
            turned = (
                (store.image == image[0][:, ::-1]).all(axis=(-1, -2, -3)).any(axis=1)
            )
            row = int(np.flatnonzero(same | turned)[0])
            original = store.state[row, 0]
            x = LAYOUT.split(state[0])["objects"][:, 0]
            was = LAYOUT.split(original)["objects"][:, 0]
            assert (np.diff(x) > 0).all()  # still from left to right
            if turned.any():
                mirrored += 1
                np.testing.assert_allclose(x, -was[::-1], atol=1e-6)
            else:
                straight += 1
                np.testing.assert_array_equal(state[0], original)
            expected = appearance.ROBOT_CAMERA.project(
                LAYOUT.split(state[0])["objects"][:, :3]
            )
            np.testing.assert_allclose(point[0, :3], expected, atol=1e-5)
    assert mirrored > 5 and straight > 5


@pytest.mark.parametrize("is_human", (False, True))
def test_the_loss_wants_the_truth(is_human):
    perception = network.Perception(
        config.PerceptionConfig(3, PIXELS, watching=is_human)
    )
    things = [0, 1, 2] + [-1] * perception.config.watching
    everything = list(range(8)) + [-1] * perception.config.watching
    source = ExampleSource(_store(6), LAYOUT, later=2, is_human=is_human)
    example = source.gather(source.draw(np.random.default_rng(0), 4))

    def measure(change):
        class Knowing:
            config, layout = perception.config, perception.layout

            def detect(self, image, proprioception):
                del image, proprioception
                points = tf.gather(
                    example.point[:, 0], np.array(everything) % 9, axis=1
                )
                state = change(example.state[:, 0])
                return network.Detected(state, looked(points), state[:, :0])

            def track(self, image, proprioception, first, view):
                del image, proprioception, first, view
                state = tf.reshape(example.state[:, 1:], (-1, LAYOUT.state_size))
                points = tf.reshape(example.point[:, 1:], (-1, 9, 2))
                points = tf.gather(points, np.array(things) % 9, axis=1)
                return change(state), looked(points)

        def looked(points):
            side = PIXELS // attention.STRIDE
            cells = tf.one_hot(attention.cell(points, side), side**2)
            return attention.Attended(None, None, 50 * tf.transpose(cells, (0, 2, 1)))

        return loss.loss(Knowing(), example, tf.constant(0.0))

    right = measure(lambda state: state)
    assert float(right.total) == pytest.approx(0, abs=1e-4)
    wrong = measure(lambda state: state + 0.01)
    assert float(wrong.total) > 1
    assert float(wrong.position) == pytest.approx(0.01 * 3**0.5, rel=1e-3)


def test_proprioception_is_passed_on_and_time_goes_by(perception):
    store = _store(3)
    proprioception = LAYOUT.proprioception(store.state)
    state = perception.perceive({"image": store.image}, proprioception).numpy()
    gripper = LAYOUT.rows["gripper"][0]
    np.testing.assert_array_equal(state[..., gripper], store.state[..., gripper])
    np.testing.assert_array_equal(state[..., -1], store.state[..., -1])
    assert not LAYOUT.split(state)["objects"][..., slices(OBJECT)["velocity"]].any()
    # What belongs to a thing for good is read once, in the first image.
    rgb = LAYOUT.split(state)["objects"][..., slices(OBJECT)["rgb"]]
    np.testing.assert_array_equal(rgb, np.repeat(rgb[:, :1], rgb.shape[1], axis=1))


def test_one_image_alone_is_enough_to_begin(perception):
    store = _store(2)
    proprioception = LAYOUT.proprioception(store.state)
    alone = perception.perceive({"image": store.image[:, :1]}, proprioception[:, :1])
    whole = perception.perceive({"image": store.image}, proprioception)
    np.testing.assert_allclose(alone[:, 0], whole[:, 0], atol=1e-5)


def test_it_says_where_it_looked(perception):
    store = _store(2)
    proprioception = LAYOUT.proprioception(store.state)
    watched = perception.watch(store.image, proprioception)
    first, found, _ = perception.detect(store.image[:, 0], proprioception[:, 0])
    np.testing.assert_allclose(watched.point[:, 0], found.point, atol=1e-5)
    for time in range(1, store.image.shape[1]):
        _, followed = perception.track(
            store.image[:, time], proprioception[:, time], first
        )
        objects, others = tf.split(watched.point[:, time], [3, 5], axis=1)
        np.testing.assert_allclose(objects, followed.point, atol=1e-5)
        # What does not move is looked for once.
        np.testing.assert_array_equal(others, watched.point[:, 0, 3:])
    side = PIXELS // attention.STRIDE
    assert watched.heat.shape == (2, 4, side, side)
    np.testing.assert_allclose(tf.reduce_sum(watched.heat, axis=(2, 3)), 1, atol=1e-5)
    # The map is of rows from above: its centre of mass is the mean of the points.
    centres = (np.arange(side) + 0.5) / side * 2 - 1
    down = tf.einsum("ntyx,y->nt", watched.heat, tf.constant(centres, tf.float32))
    objects = watched.point[:, 1:, :3]
    np.testing.assert_allclose(
        down[:, 1:], tf.reduce_mean(objects[..., 1], axis=2), atol=1e-5
    )
    state = perception.perceive({"image": store.image}, proprioception)
    np.testing.assert_allclose(state, watched.state, atol=1e-5)


def _seeing_policy(perception):
    inner = contextual_policy.ContextualPolicy(
        contextual_network.ContextualNetwork(
            contextual_config.ContextualConfig(layout=LAYOUT)
        )
    )
    return perception_policy.ImagePolicy(perception, inner), inner


@pytest.mark.slow
def test_a_saved_policy_returns_its_attention(perception, tmp_path):
    policy, _ = _seeing_policy(perception)
    export.save(policy, tmp_path / "saved_model")
    loaded = export.load(
        tmp_path / "saved_model", LAYOUT.state_size, {"image": (PIXELS, PIXELS)}
    )
    encoder = observation_encoder.ObservationEncoder(loaded, LAYOUT)
    store = _store(2)
    point, heat = encoder.look(store.state, {"image": store.image})
    watched = perception.watch(store.image, LAYOUT.proprioception(store.state))
    np.testing.assert_allclose(point, watched.point, atol=1e-5)
    np.testing.assert_allclose(heat, watched.heat, atol=1e-6)
    # A policy saved by an earlier version has no `look`, and acts as before.
    earlier = types.SimpleNamespace(get_metadata=loaded.get_metadata)
    assert (
        observation_encoder.ObservationEncoder(earlier, LAYOUT).look(
            store.state, {"image": store.image}
        )
        is None
    )


def test_an_image_policy_acts_on_its_estimates(perception):
    policy, inner = _seeing_policy(perception)
    store = _store(2)
    proprioception = LAYOUT.proprioception(store.state)
    first = perception.perceive({"image": store.image[:, :1]}, proprioception[:, :1])[
        :, 0
    ]
    state = {
        "policy": {
            "embedding": tf.zeros((2, 0)),
            "target": tf.one_hot([0, 4], 6),
        },
        "first": first,
    }
    time_step = tf.nest.map_structure(
        lambda spec: tf.zeros((2, *spec.shape), spec.dtype), policy.time_step_spec
    )._replace(
        observation={
            "image": tf.constant(store.image[:, 1]),
            "proprioception": tf.constant(proprioception[:, 1]),
        }
    )
    step = policy.action(time_step, state)
    estimated, _ = perception.track(store.image[:, 1], proprioception[:, 1], first)
    expected = inner.action(
        time_step._replace(observation={"state": estimated}), state["policy"]
    )
    np.testing.assert_allclose(step.action, expected.action, atol=1e-6)
    np.testing.assert_array_equal(step.state["first"], first)


def test_in_human_videos_only_the_time_is_known():
    tf.random.set_seed(0)
    watching = network.Perception(config.PerceptionConfig(3, PIXELS, watching=True))
    store = _store(2)
    source = ExampleSource(store, LAYOUT, later=2, is_human=True)
    drawn = source.draw(np.random.default_rng(0), 8)
    assert not drawn.proprioception[..., :-1].any()
    np.testing.assert_array_equal(drawn.proprioception[..., -1], drawn.state[..., -1])
    # A hand is a right hand, and each video has a camera of its own: nothing is turned.
    for image, point, state in zip(drawn.image, drawn.point, drawn.state, strict=True):
        row = int((store.image[:, 0] == image[0]).all(axis=(-1, -2, -3)).argmax())
        np.testing.assert_array_equal(image[0], store.image[row, 0])
        camera = appearance.draw_human(int(store[fields.SCENE_SEED][row])).camera
        hand = LAYOUT.split(state[0])["gripper"][:3]
        np.testing.assert_allclose(point[0, -1], camera.project(hand), atol=1e-5)
    proprioception = LAYOUT.proprioception(store.state, own=False)
    state = watching.perceive({"image": store.image}, proprioception).numpy()
    gripper = LAYOUT.split(state)["gripper"]
    # The hand is seen anew in each image; whatever a robot would feel beside is not.
    assert np.abs(np.diff(gripper[..., :3], axis=1)).max() > 0
    assert not gripper[..., -4:].any()
    np.testing.assert_array_equal(state[..., -1], store.state[..., -1])


def test_where_the_camera_is_matters_for_where_things_are():
    tf.random.set_seed(0)
    watching = network.Perception(config.PerceptionConfig(3, PIXELS, watching=True))
    store = _store(2)
    image, proprioception = (
        store.image[:, 1],
        LAYOUT.proprioception(store.state[:, 1], own=False),
    )
    first, _, view = watching.detect(store.image[:, 0], proprioception)
    here, _ = watching.track(image, proprioception, first, view)
    there, _ = watching.track(image, proprioception, first, view + 1)
    place = slices(OBJECT)["position"]
    moved = [LAYOUT.split(s.numpy())["objects"][..., place] for s in (here, there)]
    assert np.abs(moved[0] - moved[1]).min() > 0


def test_an_image_policy_has_an_encoder_of_human_videos(perception):
    watching = network.Perception(config.PerceptionConfig(3, PIXELS, watching=True))
    watching.create()
    inner = contextual_policy.ContextualPolicy(
        contextual_network.ContextualNetwork(
            contextual_config.ContextualConfig(layout=LAYOUT)
        )
    )
    policy = perception_policy.ImagePolicy(perception, inner, watching)
    store = _store(2)
    observed = {
        "image": store.image,
        "proprioception": LAYOUT.proprioception(store.state, own=False),
    }
    seen = policy.perceive_human(observed)
    expected = watching.perceive({"image": store.image}, observed["proprioception"])
    np.testing.assert_array_equal(seen, expected)
    assert np.abs(seen - policy.perceive(observed)).max() > 0
    names = {id(v) for v in policy.variables()}
    assert names >= {id(v) for v in watching.variables}
