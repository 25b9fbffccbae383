"""Videos: episodes without actions and rewards, and perhaps without states."""

import dataclasses
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from tensorflow_datasets.core import example_serializer

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode, EpisodeError, EpisodeSpec, validate
from wtl.datasets.contract.observation import observed
from wtl.datasets.format import schema
from wtl.datasets.format.decoding import DecodeError, decode
from wtl.datasets.format.encoding import encode
from wtl.datasets.reading import frames, reader
from wtl.datasets.reading.store import stack
from wtl.datasets.storage import publish, staging, verify
from wtl.datasets.storage.staging import StagingError, StagingWriter
from wtl.datasets.testing.fakes import SPEC, fake_episode

_SIMULATED = EpisodeSpec(observed(7, 16), physics_size=4)
_REAL = EpisodeSpec(observed(pixels=16))
_SPECS = pytest.mark.parametrize("spec", [_SIMULATED, _REAL], ids=["simulated", "real"])
_NAME = fields.WTL_HUMAN_VIDEOS


def _videos(spec):
    return [
        fake_episode(
            index,
            spec,
            transitions=4 + index % 3,
            dataset=_NAME,
            split=fields.SPLITS[index % 2],
            success=index != 1,
        )
        for index in range(4)
    ]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    def make(spec):
        root = tmp_path_factory.mktemp("data")
        with StagingWriter(root / "staged", spec) as writer:
            writer.append(_videos(spec))
        return publish.publish(root / "staged", root, _NAME, "1.0.0", spec, {})

    made = {spec: make(spec) for spec in (_SIMULATED, _REAL)}
    return made.__getitem__


@_SPECS
def test_what_a_video_lacks_is_not_there(spec):
    for episode in _videos(spec):
        assert set(episode.steps) == set(spec.step_arrays())
        assert not {"action", "reward", "discount"} & set(episode.steps)
        assert ("state" in episode.steps) == bool(spec.state_size)
        assert len(episode) == len(episode.steps["image"])
        np.testing.assert_allclose(
            episode.steps["timestamp"], np.arange(len(episode)) / 10, rtol=1e-6
        )


@_SPECS
def test_tfds_and_we_serialise_the_same(spec):
    features = schema.features(spec)
    assert "action" not in features["steps"].feature
    serializer = example_serializer.ExampleSerializer(features.get_serialized_info())
    episode = fake_episode(0, spec)
    # Images are compressed by another library: compare what they hold instead.
    payload = serializer.get_tf_example(
        features.encode_example(schema.example(episode))
    ).SerializeToString(deterministic=True)
    for found in (decode(payload, spec), decode(encode(episode), spec)):
        assert found.metadata == episode.metadata
        assert found.steps.keys() == episode.steps.keys()
        for name, array in episode.steps.items():
            np.testing.assert_array_equal(found.steps[name], array)


_PLAIN_TFDS = """
import json, sys
import tensorflow_datasets as tfds
found = []
for directory in sys.argv[1:]:
    builder = tfds.builder_from_directory(directory)
    episodes = {}
    for split in builder.info.splits:
        for episode in tfds.as_numpy(builder.as_dataset(split=split)):
            steps = [{**step.pop("observation"), **step} for step in episode["steps"]]
            episodes[episode["episode_id"].decode()] = {
                key: b"".join(step[key].tobytes() for step in steps).hex()
                for key in steps[0]
            }
    found.append(episodes)
assert "datasets" not in sys.modules
print(json.dumps(found))
"""


@pytest.mark.slow
def test_plain_tfds_reads_the_same_values(published, tmp_path):
    paths = [str(published(spec)) for spec in (_SIMULATED, _REAL)]
    child = subprocess.run(
        # Isolated: neither this folder nor PYTHONPATH leads to our code.
        [sys.executable, "-I", "-c", _PLAIN_TFDS, *paths],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert child.returncode == 0, child.stderr
    assert json.loads(child.stdout) == [
        {
            episode.id: {name: a.tobytes().hex() for name, a in episode.steps.items()}
            for episode in _videos(spec)
        }
        for spec in (_SIMULATED, _REAL)
    ]


@_SPECS
def test_a_published_dataset_is_sound_and_comes_back(spec, published):
    path = published(spec)
    assert verify.verify(path) == []
    assert schema.stored_spec(path) == spec
    found = list(reader.iterate_episodes(path))
    assert sorted(map(encode, found)) == sorted(map(encode, _videos(spec)))


@_SPECS
def test_stores_have_arrays_of_no_width(spec, published):
    path = published(spec)
    by_reader = reader.read(path, with_physics=True, images={"image": (16, 16)})
    by_id = {episode.id: episode for episode in _videos(spec)}
    by_hand = stack([by_id[name] for name in by_reader["episode_id"]])
    for store in (by_reader, by_hand):
        assert len(store) == 4
        assert store.action.shape == (4, 7, 0)
        assert store.state.shape == (4, 7, spec.state_size)
        assert not store.reward.any() and store.reward.shape == (4, 7)
        for row, name in enumerate(store["episode_id"]):
            steps, length = by_id[name].steps, len(by_id[name])
            assert store.length[row] == length
            np.testing.assert_array_equal(store.image[row, :length], steps["image"])
            assert (store.image[row, length:] == steps["image"][-1]).all()
    assert (by_reader.physics_state is None) == (not spec.physics_size)
    assert by_reader["success"].tolist().count(False) == 1
    chosen = by_reader.select(by_reader["split"] == "train")
    shown = frames.resample(chosen, 3)
    assert shown.images["image"].shape == (2, 3, 16, 16, 3)
    assert shown.action.shape == (2, 3, 0)


@_SPECS
def test_lengths_are_known_though_images_are_not_read(spec, published):
    store = reader.read(published(spec))
    assert store.image is None and store.physics_state is None
    by_id = {episode.id: len(episode) for episode in _videos(spec)}
    assert store.length.tolist() == [by_id[name] for name in store["episode_id"]]
    assert len(reader.read(published(spec), "test")) == 0


def test_the_card_says_what_is_there_and_its_code_runs(published):
    cards = {
        spec: (published(spec) / "README.md").read_text()
        for spec in (_SIMULATED, _REAL)
    }
    assert (
        "4 episodes; state of 7 numbers,\nphysics state of 4, images of 16 × 16 "
        "pixels, no actions and no rewards." in cards[_SIMULATED]
    )
    assert (
        "4 episodes; images of 16 × 16 pixels,\nno actions and no rewards."
        in cards[_REAL]
    )
    for spec, card in cards.items():
        code = card.partition("```python\n")[2].partition("```")[0]
        code = code.replace(f"PATH/TO/{_NAME}/1.0.0", str(published(spec)))
        exec(compile(code, "card", "exec"), {})


@_SPECS
def test_a_stage_is_resumed_and_holds_no_other_kind(spec, tmp_path):
    videos = _videos(spec)
    with StagingWriter(tmp_path, spec) as writer:
        assert writer.append(videos[:2]) == 2
    with StagingWriter(tmp_path, spec) as writer:
        assert writer.append(videos) == 2
        with pytest.raises(EpisodeError, match="unknown step field"):
            writer.append(fake_episode(9))
    assert sorted(map(encode, staging.iterate_staged(tmp_path))) == sorted(
        map(encode, videos)
    )
    with pytest.raises(StagingError, match="action_size 0, not 3"):
        StagingWriter(tmp_path, dataclasses.replace(spec, action_size=3))


def test_an_action_too_many_or_too_few_is_refused():
    video, demo = fake_episode(0, _SIMULATED), fake_episode(0)
    with pytest.raises(EpisodeError, match="unknown step field 'action'"):
        steps = {**video.steps, "action": demo.steps["action"]}
        validate(Episode(steps, video.metadata), _SIMULATED)
    with pytest.raises(EpisodeError, match="'action' is missing"):
        validate(video, dataclasses.replace(_SIMULATED, action_size=3))
    with pytest.raises(DecodeError, match="unknown field 'steps/action'"):
        decode(encode(demo), dataclasses.replace(SPEC, action_size=0))
    with pytest.raises(DecodeError, match="'steps/action' is missing"):
        decode(encode(video), dataclasses.replace(_SIMULATED, action_size=3))


def test_an_episode_cannot_be_built_of_half_of_it():
    known = {
        key: value
        for key, value in fake_episode().metadata.items()
        if not key.startswith("hidden")
    }
    image = {"image": np.zeros((3, 4, 4, 3), np.uint8)}
    for half in ({"action": np.zeros((2, 3))}, {"reward": np.zeros(2)}):
        with pytest.raises(EpisodeError, match="actions and rewards, or neither"):
            Episode.build(observations=image, **half, **known)
    with pytest.raises(EpisodeError, match="needs observations"):
        Episode.build(observations={}, physics_state=np.zeros((3, 4)), **known)
    with pytest.raises(ValueError, match="observes nothing"):
        EpisodeSpec((), action_size=3, physics_size=4)
    with pytest.raises(ValueError, match="negative size"):
        EpisodeSpec(observed(7), action_size=-1, physics_size=4)
