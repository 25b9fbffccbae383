"""The symmetries used in training are symmetries of the simulated world."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from demonstrating import demonstrate, request

from wtl.collection.worlds.plain.layout import PlainLayout
from wtl.collection.worlds.tabletop import families, observation
from wtl.collection.worlds.tabletop import scene as scenes
from wtl.collection.worlds.tabletop import world as worlds
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.layout import slices
from wtl.datasets.contract.observation import Observation
from wtl.training import augmentation

SIZE = 3
LAYOUT = observation.Layout(SIZE)
# Not the velocities and spins of round objects: their contacts are not symmetrical.
_COMPARED = {
    "gripper": slice(0, 11),
    "objects": slice(0, 3),
    "buttons": slice(None),
    "fixtures": slice(None),
}


def _symmetry(mirror=1.0, count=1):
    return augmentation.Symmetry(
        np.full(count, mirror, np.float32),
        np.tile(np.eye(3, dtype=np.float32), (count, 1, 1)),
        np.zeros((count, 3), np.float32),
    )


def test_identity_changes_nothing():
    state = np.random.default_rng(0).random((4, 7, LAYOUT.state_size), np.float32)
    same = augmentation.apply_to_states(_symmetry(count=4), tf.constant(state), LAYOUT)
    np.testing.assert_array_equal(same, state)


@pytest.mark.parametrize("family", families.FAMILIES)
def test_a_mirrored_demonstration_is_what_the_mirrored_world_plays(family):
    """Mirroring start and actions gives the mirrored end."""
    suite = TaskDistribution(size=SIZE, train_object_sets=5, train_tasks=5)
    task = next(t for t in suite.tasks("train") if t.family == family)
    setup = suite.demonstration_scenes(task)[0]
    played = demonstrate(request(setup, "x"))
    mirror = _symmetry(-1.0)
    states = augmentation.apply_to_states(
        mirror, tf.constant(played.steps["state"][None]), LAYOUT
    ).numpy()[0]
    actions = augmentation.apply_to_actions(
        mirror, tf.constant(played.steps["action"][None]), LAYOUT
    ).numpy()[0]
    world = _mirrored_world(setup)
    for step, action in enumerate(actions[:-1]):
        share = step / (len(actions) - 1)
        seen, expected = observation.observe(world, share), states[step]
        for row, columns in _COMPARED.items():
            np.testing.assert_allclose(
                LAYOUT.split(seen)[row][..., columns],
                LAYOUT.split(expected)[row][..., columns],
                atol=0.02,
            )
        world.step(action)


def _mirrored_world(setup):
    scene = scenes.draw(SIZE, setup.scene_seed)
    mirrored = dataclasses.replace(
        scene,
        object_poses=scene.object_poses * [-1, 1, -1],
        button_positions=scene.button_positions * [-1, 1],
        anchor=scene.anchor * [-1, 1],
        gripper=scene.gripper * [-1, 1, 1, -1],
    )
    world = worlds.World()
    world.reset(setup.task.object_set, setup.task.friction, mirrored)
    return world


def test_colours_keep_their_distances_and_everything_else_stays():
    rng = np.random.default_rng(0)
    state = rng.random((16, LAYOUT.state_size), np.float32)
    symmetry = augmentation.draw(rng, 16)._replace(mirror=np.ones(16, np.float32))
    changed = augmentation.apply_to_states(symmetry, tf.constant(state), LAYOUT)
    before, after = LAYOUT.split(state), LAYOUT.split(changed.numpy())
    rgb = observation.slices(observation.OBJECT)["rgb"]
    old, new = before["objects"][..., rgb], after["objects"][..., rgb]
    assert np.abs(old - new).max() > 0.1
    assert new.min() >= 0 and new.max() <= 1
    np.testing.assert_allclose(
        np.linalg.norm(old[:, :1] - old, axis=-1),
        np.linalg.norm(new[:, :1] - new, axis=-1),
        atol=1e-5,
    )
    np.testing.assert_array_equal(before["gripper"], after["gripper"])
    np.testing.assert_array_equal(
        np.delete(before["objects"], range(rgb.start, rgb.stop), axis=-1),
        np.delete(after["objects"], range(rgb.start, rgb.stop), axis=-1),
    )


def test_blobs_of_images_are_recoloured_now_and_at_the_first_step():
    image = Observation("front", (8, 8, 3), "uint8", is_set=True)
    layout = PlainLayout.of(EpisodeSpec((Observation("hand", (3,)), image)))
    rng = np.random.default_rng(0)
    state = rng.random((4, 5, layout.state_size), np.float32)
    symmetry = augmentation.draw(rng, 4, layout.is_lit)
    found = augmentation.apply_to_states(symmetry, tf.constant(state), layout).numpy()
    before, after = layout.split(state), layout.split(found)
    np.testing.assert_array_equal(after["hand"], before["hand"])
    fields = slices(layout.tables["front blobs"])
    before, after = before["front blobs"], after["front blobs"]
    for name, place in fields.items():
        if not name.endswith("rgb"):
            np.testing.assert_array_equal(after[..., place], before[..., place])
            continue
        # All colours of an example change in one way, and stay colours.
        wanted = np.einsum("bij,btkj->btki", symmetry.colour, before[..., place])
        wanted += symmetry.offset[:, None, None]
        np.testing.assert_allclose(after[..., place], wanted, atol=1e-6)
        assert after[..., place].min() >= -1e-6
        assert after[..., place].max() <= 1 + 1e-6
    assert len(np.unique(symmetry.offset)) == symmetry.offset.size  # light varies
