"""Features of images that are learnt without labels: points, and blobs of sets."""

import numpy as np
import pytest
import tensorflow as tf

from wtl.collection.worlds.plain import perception
from wtl.collection.worlds.plain.layout import PlainLayout
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.observation import Observation
from wtl.policies.encoders.blobs import BLOBS, FEATURES
from wtl.policies.legacy_keras import tf_keras

SIDE = 32


def _layout(*sets: str) -> PlainLayout:
    shape = (SIDE, SIDE, 3)
    observations = [Observation("hand", (3,))]
    for name in ("front", "side"):
        observations.append(Observation(name, shape, "uint8", is_set=name in sets))
    return PlainLayout.of(EpisodeSpec(tuple(observations), action_size=2))


def _scenes(rng, count: int):
    """Return images of two squares on a table, their places and their colours."""
    place = rng.integers((4, 2), (26, 12), (count, 2, 2))
    place[:, 1, 1] += 15  # one is on the left, one on the right
    colour = rng.uniform(0, 255, (count, 2, 3))
    images = np.full((count, SIDE, SIDE, 3), 120.0)
    for image, places, colours in zip(images, place, colour, strict=True):
        for (y, x), paint in zip(places, colours, strict=True):
            image[y : y + 4, x : x + 4] = paint
    return images.astype(np.uint8), place + 1.5, colour


@pytest.mark.parametrize("sets", ((), ("front",), ("front", "side")))
def test_perceived_states_have_the_rows_of_the_layout(sets):
    layout = _layout(*sets)
    network = perception.create(layout, {"front": (32, 32), "side": (15, 64)}, False)
    images = {
        "front": np.zeros((2, 3, 32, 32, 3), np.uint8),
        "side": np.zeros((2, 3, 15, 64, 3), np.uint8),
    }
    network.adapt({name: image[0] for name, image in images.items()}, seed=0)
    own = layout.proprioception_size
    state = network.perceive(images, tf.ones((2, 3, own)))
    assert state.shape == (2, 3, layout.state_size)
    np.testing.assert_array_equal(state[..., :own], 1)
    assert layout.sets == {f"{name} blobs": BLOBS for name in sets}
    for name in layout.sets:
        assert layout.rows[name][1] == (BLOBS, 2 * FEATURES)


def test_later_steps_remember_the_first_one():
    layout = _layout("front")
    network = perception.create(layout, {"front": (16, 16), "side": (16, 16)}, False)
    rng = np.random.default_rng(0)
    images = {
        name: rng.integers(0, 255, (2, 3, 16, 16, 3)).astype(np.uint8)
        for name in ("front", "side")
    }
    own = rng.standard_normal((2, 3, layout.proprioception_size)).astype(np.float32)
    states = network.perceive(images, tf.constant(own)).numpy()
    later = {name: tf.constant(image[:, 2]) for name, image in images.items()}
    tracked = network.track(later, tf.constant(own[:, 2]), tf.constant(states[:, 0]))
    np.testing.assert_allclose(tracked, states[:, 2], atol=1e-5)
    now, first = np.split(layout.split(states)["front blobs"], 2, axis=-1)
    np.testing.assert_array_equal(first, now[:, :1] + np.zeros_like(now))
    assert np.abs(now[:, 2] - now[:, 0]).max() > 1e-4


def test_a_layout_survives_json():
    layout = _layout("side")
    tree = {name: getattr(layout, name) for name in layout.__dataclass_fields__}
    assert PlainLayout.of_json(tree) == layout


def test_blobs_find_things_and_their_colours():
    tf_keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    layout = _layout("front")
    network = perception.create(layout, {"front": (SIDE, SIDE)}, False)
    images, _, _ = _scenes(rng, 600)
    network.adapt({"front": images}, seed=0)
    network.create()
    optimiser = tf_keras.optimizers.Adam(2e-3)

    @tf.function
    def step(batch):
        with tf.GradientTape() as tape:
            loss = network.loss({"front": batch}).total
        variables = network.trainable_variables
        optimiser.apply_gradients(
            zip(tape.gradient(loss, variables), variables, strict=True)
        )

    for _ in range(500):
        step(tf.constant(images[rng.integers(len(images), size=32)]))
    images, place, colour = _scenes(rng, 50)
    blobs = network.perceive({"front": images[:, None]}, tf.zeros((50, 1, 0)))
    blobs = blobs.numpy().reshape(50, BLOBS, 2 * FEATURES)
    wanted = place[..., ::-1] / (SIDE - 1) * 2 - 1  # x, y in [-1, 1]
    off = np.linalg.norm(wanted[:, :, None] - blobs[:, None, :, :2], axis=-1)
    assert np.median(off.min(axis=-1)) * (SIDE - 1) / 2 < 1.5  # pixels
    nearest = blobs[np.arange(50)[:, None], off.argmin(axis=-1)]
    assert np.corrcoef(nearest[..., 2:5].ravel(), colour.ravel())[0, 1] > 0.9
