"""Specs of observations of any name and shape, and of actions in units of their own."""

import dataclasses
import json
import math

import numpy as np
import pytest

from wtl.datasets.contract.episode import EpisodeError, EpisodeSpec, validate
from wtl.datasets.contract.observation import Observation
from wtl.datasets.format import schema
from wtl.datasets.reading import joining, reader, scaling
from wtl.datasets.reading.store import stack
from wtl.datasets.storage import publish, staging, verify
from wtl.datasets.storage.staging import StagingWriter
from wtl.datasets.testing.fakes import fake_episode

SPEC = EpisodeSpec(
    (
        Observation("arm/joints", (6,)),
        Observation("arm/torque", ()),
        Observation("blocks", (3, 4), is_set=True),
        Observation("cameras/wide.rgb", (12, 20, 3), "uint8"),
        Observation("wrist", (9, 8, 3), "uint8", is_set=True),
    ),
    action_size=2,
    action_low=(-180.0, -math.inf),
    action_high=(180.0, math.inf),
    instruction=True,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return episodes of different lengths and the version that has them."""
    root = tmp_path_factory.mktemp("any")
    episodes = [
        fake_episode(i, SPEC, transitions=3 + i, instruction=f"task {i}")
        for i in range(3)
    ]
    with StagingWriter(root / "staged", SPEC) as writer:
        writer.append(episodes)
    path = publish.publish(root / "staged", root, "wtl_demos", "1.0.0", SPEC, {})
    return episodes, path


def test_a_dataset_of_any_spec_is_sound_and_comes_back_exactly(made):
    episodes, path = made
    assert verify.verify(path) == []
    assert schema.stored_spec(path) == SPEC
    for spec in (
        schema.stored_spec(path),
        staging.read_spec(path.parent.parent / "staged"),
    ):
        sets = [o.name for o in spec.observations if o.is_set]
        assert sets == ["blocks", "wrist"]
    found = {episode.id: episode for episode in reader.iterate_episodes(path)}
    for episode in episodes:
        assert found[episode.id].metadata == episode.metadata
        for name, array in episode.steps.items():
            np.testing.assert_array_equal(found[episode.id].steps[name], array)


def test_in_memory_vectors_are_joined_and_images_scaled(made):
    episodes, path = made
    images = {"cameras/wide.rgb": (6, 10)}
    by_id = {episode.id: episode for episode in episodes}
    store = reader.read(path, images=images)
    assert set(store.images) == set(images)
    again = stack([by_id[name] for name in store["episode_id"]], images)
    for row, name in enumerate(store["episode_id"]):
        steps, length = by_id[name].steps, len(by_id[name])
        expected = np.c_[
            steps["arm/joints"],
            steps["arm/torque"],
            steps["blocks"].reshape(length, -1),
            np.arange(length),
        ]
        for one in (store, again):
            np.testing.assert_array_equal(one.state[row, :length], expected)
        small = scaling.scaled(steps["cameras/wide.rgb"], (6, 10))
        np.testing.assert_array_equal(
            store.images["cameras/wide.rgb"][row, :length], small
        )
        blocks = steps["cameras/wide.rgb"].reshape(length, 6, 2, 10, 2, 3)
        assert np.abs(small - blocks.mean(axis=(2, 4))).max() <= 1


def test_a_state_alone_stays_as_it_is():
    state = np.ones((4, 3), np.float32)
    assert np.shares_memory(joining.joined({"state": state}, np.arange(4)), state)
    discs = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
    found = joining.joined({"state": discs}, np.arange(4))
    np.testing.assert_array_equal(found, discs.reshape(4, 6))
    both = joining.joined({"state": state, "a": state}, np.arange(4))
    assert both.shape == (4, 7)


def test_statistics_leave_out_the_last_step_of_actions(made):
    episodes, path = made
    found = json.loads((path / "statistics.json").read_text())
    actions = np.concatenate([e.steps["action"][:-1] for e in episodes])
    np.testing.assert_allclose(found["action"]["mean"], actions.mean(0), rtol=1e-5)
    blocks = np.concatenate([e.steps["blocks"] for e in episodes])
    np.testing.assert_allclose(found["blocks"]["std"], blocks.std(0), rtol=1e-4)
    assert np.shape(found["arm/torque"]["min"]) == ()


@pytest.mark.parametrize(
    ("step", "axis", "value", "said"),
    (
        (0, 0, 200.0, r"action 200 on axis 0 at step 0 is outside \[-180, 180\]"),
        (1, 1, 1e9, None),
        (1, 1, np.nan, "'action' is not finite at step 1"),
    ),
)
def test_actions_are_checked_against_their_own_limits(step, axis, value, said):
    episode = fake_episode(0, SPEC, instruction="")
    episode.steps["action"][step, axis] = value
    if said is None:
        validate(episode, SPEC)
        return
    with pytest.raises(EpisodeError, match=said):
        validate(episode, SPEC)


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "said"),
    (
        ("action", (3,), "float32", "cannot be called"),
        ("../up", (3,), "float32", "a name has letters"),
        ("a" * 101, (3,), "float32", "at most 100"),
        ("depth", (4, 4), "uint16", "only float32"),
        ("gray", (4, 4), "uint8", r"an image is \(H, W, 3\)"),
        ("none", (0,), "float32", "has shape"),
    ),
)
def test_what_cannot_be_stored_is_refused(name, shape, dtype, said):
    with pytest.raises(ValueError, match=said):
        Observation(name, shape, dtype)


@pytest.mark.parametrize("shape", ((3,), (4, 4, 3)))
def test_a_set_of_numbers_has_two_dimensions(shape):
    with pytest.raises(ValueError, match=r"a set is an image, or has the shape \(N, F"):
        Observation("blocks", shape, is_set=True)


def test_names_that_contain_one_another_are_refused():
    with pytest.raises(ValueError, match="two observations are called 'arm'"):
        EpisodeSpec((Observation("arm", (1,)), Observation("arm/joints", (2,))))
    with pytest.raises(ValueError, match="3 values for 2"):
        dataclasses.replace(SPEC, action_low=(0.0,) * 3)
