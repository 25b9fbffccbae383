"""Staged episodes come back as dense arrays, or a clear error."""

import json

import numpy as np
import pytest

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.observation import observed
from wtl.datasets.format.encoding import encode
from wtl.datasets.format.schema import DatasetMismatchError
from wtl.datasets.reading import reader
from wtl.datasets.storage import publish
from wtl.datasets.storage.location import DatasetDamagedError, DatasetNotFoundError
from wtl.datasets.storage.staging import StagingWriter
from wtl.datasets.testing.fakes import SPEC, fake_episode

_EPISODES = [
    fake_episode(
        index,
        transitions=(5, 3, 8)[index % 3],
        split=("train", "test")[index % 2],
        success=index != 4,
        parent_demo_ids=("a", "b")[: index % 3],
        notes="ü" * index,
        scene_seed=2**40 + index,
    )
    for index in range(8)
]


def _write(folder, version="1.0.0", episodes=_EPISODES, name=fields.WTL_DEMOS):
    with StagingWriter(folder / f"staged-{version}", SPEC) as writer:
        writer.append(episodes)
    return publish.publish(
        folder / f"staged-{version}", folder, name, version, SPEC, {}, shard_bytes=2000
    )


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return _write(tmp_path_factory.mktemp("data"))


def test_every_value_comes_back(dataset):
    store = reader.read(dataset, with_physics=True, spec=SPEC)
    assert len(store) == 8
    assert store.state.shape == (8, 9, 7) and store.state.dtype == np.float32
    assert store.physics_state.dtype == np.float64
    for episode in _EPISODES:
        row = store.index_by_id[episode.id]
        assert store.length[row] == len(episode)
        for name in ("state", "action", "reward", "physics_state"):
            array = getattr(store, name)[row]
            np.testing.assert_array_equal(array[: len(episode)], episode.steps[name])
            # Shorter episodes repeat their last frame.
            padding = array[len(episode) :]
            np.testing.assert_array_equal(
                padding, np.broadcast_to(episode.steps[name][-1], padding.shape)
            )
        for name, value in episode.metadata.items():
            assert store[name][row] == value, name
    assert store["success"].dtype == np.bool_
    assert store["scene_seed"].dtype == np.int64
    assert (store["family"] == "lift").all()


def test_splits_are_chosen_and_physics_left_out(dataset):
    store = reader.read(dataset, splits="test")
    assert store.physics_state is None
    assert set(store["split"]) == {"test"} and len(store) == 4
    both = reader.read(dataset, splits=("test", "train"))
    assert both["split"].tolist() == ["test"] * 4 + ["train"] * 4
    assert len(reader.read(dataset, splits="val")) == 0
    with pytest.raises(UserError, match="'dev' is none of"):
        reader.read(dataset, splits="dev")


def test_order_is_that_of_ids_within_a_split(dataset):
    names = reader.read(dataset, splits="train")["episode_id"].tolist()
    assert names == sorted(names)


def test_select(dataset):
    store = reader.read(dataset, with_physics=True)
    solved = store.select(store["success"])
    assert len(solved) == 7 and solved["success"].all()
    turned = store.select([3, 1])
    assert turned["episode_id"].tolist() == store["episode_id"][[3, 1]].tolist()
    assert turned["parent_demo_ids"][0] == store["parent_demo_ids"][3]
    np.testing.assert_array_equal(turned.physics_state[0], store.physics_state[3])
    names = [_EPISODES[5].id, _EPISODES[2].id]
    assert store["episode_id"][store.rows(names)].tolist() == names
    assert len(store.select([])) == 0
    with pytest.raises(ValueError, match="a mask of shape"):
        store.select(np.ones(3, bool))


def test_iterating_gives_whole_episodes(dataset):
    found = list(reader.iterate_episodes(dataset))
    assert sorted(map(encode, found)) == sorted(map(encode, _EPISODES))
    tests = [episode.id for episode in reader.iterate_episodes(dataset, "test")]
    assert tests == [e.id for e in found if e.metadata["split"] == "test"]


def test_a_dataset_folder_means_its_newest_version(tmp_path):
    _write(tmp_path, "1.9.0", _EPISODES[:1])
    _write(tmp_path, "1.10.0", _EPISODES[:2])
    (tmp_path / "wtl_demos" / "2.0.0.incomplete.1").mkdir()
    assert len(reader.read(tmp_path / "wtl_demos")) == 2


def test_a_missing_dataset_says_what_to_run(tmp_path):
    for name, stage in (
        ("wtl_demos", "collect_demos"),
        ("wtl_trials", "collect_trials"),
    ):
        with pytest.raises(DatasetNotFoundError, match=f"wtl {stage}"):
            reader.read(tmp_path / name / "1.0.0")
    _write(tmp_path, "1.0.0", _EPISODES[:1])
    with pytest.raises(DatasetNotFoundError, match="there are versions 1.0.0"):
        reader.read(tmp_path / "wtl_demos" / "9.9.9")
    with pytest.raises(DatasetNotFoundError, match="no dataset at"):
        next(reader.iterate_episodes(tmp_path))


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (EpisodeSpec(observed(8), 3, 4), "observation 'state': 7 numbers, but 8"),
        (EpisodeSpec(observed(7), 4, 4), "action_size 3, but 4"),
        (EpisodeSpec(observed(7), 3, 5), "physics_size 4, but 5"),
    ],
)
def test_another_spec_is_named(dataset, spec, field):
    with pytest.raises(DatasetMismatchError, match=field):
        reader.read(dataset, spec=spec)


def test_other_features_are_named(tmp_path):
    path = _write(tmp_path)
    file = path / "features.json"
    tree = json.loads(file.read_text())
    success = tree["featuresDict"]["features"]["success"]
    success["tensor"]["dtype"] = "int64"
    file.write_text(json.dumps(tree))
    with pytest.raises(DatasetMismatchError, match="features/success/tensor/dtype"):
        reader.read(path)
    success["tensor"]["dtype"] = "bool"
    success["description"] = "Another wording is no other schema."
    file.write_text(json.dumps(tree))
    assert len(reader.read(path)) == 8
    file.write_text("{}")
    with pytest.raises(DatasetMismatchError, match="not the features"):
        reader.read(path)


def test_damaged_files_are_named(tmp_path):
    path = _write(tmp_path)
    shard = sorted(path.glob("*train*"))[0]
    data = shard.read_bytes()
    for broken in (data[:-1], data[:100], b"", data[:12] + bytes(len(data) - 12)):
        shard.write_bytes(broken)
        for read in (reader.read, lambda path: list(reader.iterate_episodes(path))):
            with pytest.raises(DatasetDamagedError, match="wtl verify") as caught:
                read(path)
            assert shard.name in str(caught.value)
    shard.unlink()
    with pytest.raises(DatasetDamagedError, match=shard.name):
        reader.read(path)
