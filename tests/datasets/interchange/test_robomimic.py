"""Exchange with robomimic: its layout, and every number back again."""

import dataclasses
import errno
import json
import math
import os

import h5py
import numpy as np
import pytest

from wtl.commands import cli
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.observation import observed
from wtl.datasets.format import schema
from wtl.datasets.interchange import import_episodes, robomimic
from wtl.datasets.interchange.field_mapping import FieldMapping
from wtl.datasets.reading import reader
from wtl.datasets.storage import checksums, publish, verify
from wtl.datasets.storage.staging import StagingWriter
from wtl.datasets.testing.fakes import SPEC, fake_episode

_RICH = EpisodeSpec(
    observed(7, 16, wrist=True), action_size=3, physics_size=4, interventions=True
)


_HIDDEN = dataclasses.replace(SPEC, gains_size=3, dynamics_size=5)


_NATIVE = dataclasses.replace(
    SPEC,
    action_low=(-9.5, -2.0, -1.0),
    action_high=(1.0, 1.5, math.inf),
    action_names=("left", "right", "jaw"),
)
_NOTHING = FieldMapping.parse([], [], "wtl_demos")


def _published(root, spec):
    with StagingWriter(root / "staged", spec) as writer:
        writer.append(
            fake_episode(
                index,
                spec,
                transitions=4 + index % 3,
                split=fields.SPLITS[index % 3],
                success=index % 2 == 0,
                parent_demo_ids=("α", "b") if index % 2 else (),
                notes="ünder",
            )
            for index in range(12)
        )
    options = {"license_text": "Only on Sundays.\n"}
    return publish.publish(
        root / "staged", root, "wtl_demos", "1.0.0", spec, {}, **options
    )


@pytest.mark.parametrize("spec", [SPEC, _RICH, _HIDDEN, _NATIVE])
def test_what_is_exported_comes_back_bit_for_bit(tmp_path, spec):
    source = _published(tmp_path / "in", spec)
    assert robomimic.export(source, tmp_path / "out.hdf5") == 12
    with robomimic.RobomimicFile(tmp_path / "out.hdf5", _NOTHING) as file:
        back = import_episodes.import_episodes(
            *(file.episodes(), tmp_path / "back", "wtl_demos", {}, file.license),
            action_limits=file.action_limits,
            action_names=file.action_names,
        )
    assert checksums.fingerprint(back) == checksums.fingerprint(source)
    assert (back / "LICENSE").read_bytes() == (source / "LICENSE").read_bytes()
    assert schema.stored_spec(back) == spec
    # The names of parents came along too.
    assert {p.what for p in verify.verify(back)} == {
        p.what for p in verify.verify(source)
    }


def test_the_file_is_as_robomimic_documents_it(tmp_path):
    source = _published(tmp_path / "in", _RICH)
    robomimic.export(source, tmp_path / "out.hdf5")
    episodes = list(reader.iterate_episodes(source))
    with h5py.File(tmp_path / "out.hdf5") as file:
        data = file["data"]
        assert set(data) == {f"demo_{n}" for n in range(12)}
        assert data.attrs["total"] == sum(len(e) - 1 for e in episodes)
        assert set(json.loads(data.attrs["env_args"])) == {
            "env_name",
            "type",
            "env_kwargs",
        }
        for number, episode in enumerate(episodes):
            demo, samples = data[f"demo_{number}"], len(episode) - 1
            assert demo.attrs["num_samples"] == samples
            assert (demo["actions"][()] == episode.steps["action"][:-1]).all()
            assert (demo["rewards"][()] == episode.steps["reward"][:-1]).all()
            assert (demo["states"][()] == episode.steps["physics_state"][:-1]).all()
            assert demo["dones"][()].tolist() == [0] * (samples - 1) + [1]
            for name in ("state", "image", "wrist_image"):
                array = episode.steps[name]
                assert (demo["obs"][name][()] == array[:-1]).all()
                assert (demo["next_obs"][name][()] == array[1:]).all()
            assert demo["obs/image"].dtype == np.uint8
        masks = {
            key: set(map(bytes.decode, names)) for key, names in file["mask"].items()
        }
        assert masks.keys() == {"train", "valid", "test"}
        assert set.union(*masks.values()) == set(data)


def _foreign(path, next_obs=True, rewarded=True):
    """A file like those of robosuite, and what is in it."""
    rng = np.random.default_rng(0)
    written = []
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        data.attrs["total"] = 22
        for number in range(11):
            demo = data.create_group(f"demo_{number}")
            demo.attrs["num_samples"] = 2
            obs = {
                "eef_pos": rng.normal(size=(3, 3)),
                "object": rng.normal(size=(3, 2)),
                "agentview_image": rng.integers(0, 256, (3, 8, 8, 3), np.uint8),
            }
            for name, array in obs.items():
                demo[f"obs/{name}"] = array[:-1]
                if next_obs:
                    demo[f"next_obs/{name}"] = array[1:]
            demo["actions"] = rng.uniform(-1, 1, (2, 4))
            demo["rewards"] = np.array([0.0, float(rewarded)])
            demo["states"] = rng.normal(size=(2, 5))
            written.append((obs, demo["actions"][()]))
    return written


_MAPS = (
    "state=obs/eef_pos,obs/object",
    "image=obs/agentview_image",
    "action=actions",
    "reward=rewards",
)


def _imported(path, root, maps=_MAPS, sets=("family=lift", "control_hz=20")):
    mapping = FieldMapping.parse(maps, sets, "lift_ph")
    with robomimic.RobomimicFile(path, mapping) as file:
        return import_episodes.import_episodes(
            file.episodes(), root, "lift_ph", {}, action_limits=file.action_limits
        )


@pytest.mark.parametrize("next_obs", [True, False])
def test_a_foreign_file_comes_in_by_its_mapping(tmp_path, next_obs):
    written = _foreign(tmp_path / "in.hdf5", next_obs)
    version = _imported(tmp_path / "in.hdf5", tmp_path / "out")
    assert verify.verify(version) == []
    episodes = sorted(reader.iterate_episodes(version), key=lambda e: e.id)
    assert len(episodes) == 11
    for (obs, actions), episode in zip(written, episodes, strict=True):
        state = np.concatenate([obs["eef_pos"], obs["object"]], axis=1)
        image = obs["agentview_image"]
        if not next_obs:
            state, image = state[[0, 1, 1]], image[[0, 1, 1]]
        assert (episode.steps["state"] == state.astype(np.float32)).all()
        assert (episode.steps["image"] == image).all()
        assert (episode.steps["action"][:-1] == actions.astype(np.float32)).all()
        assert episode.metadata["family"] == "lift"
        assert episode.metadata["success"]
        assert np.allclose(episode.steps["timestamp"], [0, 0.05, 0.1])
        assert ("is unknown" in episode.metadata["notes"]) != next_obs
    # Nothing is claimed of a licence that nobody stated.
    assert "Apache" not in (version / "LICENSE").read_text()


def test_masks_are_splits(tmp_path):
    _foreign(tmp_path / "in.hdf5")
    masks = {"train": ("demo_0", "demo_3"), "valid": ("demo_1",), "20_percent": ()}
    with h5py.File(tmp_path / "in.hdf5", "a") as file:
        for name, demos in masks.items():
            file[f"mask/{name}"] = np.array(demos, "S")
    version = _imported(tmp_path / "in.hdf5", tmp_path / "out")
    assert verify.verify(version) == []
    (held,) = reader.iterate_episodes(version, "val")
    assert held.metadata["notes"].startswith("demo_1")
    assert held.metadata["object_set"] == "lift_ph-val"
    train = list(reader.iterate_episodes(version, "train"))
    assert len(train) == 10  # those that no mask names too
    # The same task, and objects that no other split has.
    assert {e.metadata["task_id"] for e in train} == {held.metadata["task_id"]}
    assert {e.metadata["object_set"] for e in train} == {"lift_ph"}


def test_without_a_mapping_all_observations_come_in(tmp_path):
    rng = np.random.default_rng(0)
    obs = {
        "object": rng.normal(size=(6, 10)),
        "robot0_eef_pos": rng.normal(size=(6, 3)),
        "points/near": rng.normal(size=(6, 5, 3)),
        "contact": rng.integers(0, 2, 6).astype(bool),
        "agentview_image": rng.integers(0, 256, (6, 84, 112, 3), np.uint8),
        "robot0_eye_in_hand_image": rng.integers(0, 256, (6, 48, 40, 3), np.uint8),
        "agentview_depth": rng.random((6, 84, 112, 1)).astype("f4"),
    }
    actions = rng.uniform(-7, 300, (5, 7))
    with h5py.File(tmp_path / "in.hdf5", "w") as file:
        arguments = {"env_name": "Lift", "type": 1, "env_kwargs": {"control_freq": 20}}
        file.create_group("data").attrs["env_args"] = json.dumps(arguments)
        for number in range(2):
            demo = file.create_group(f"data/demo_{number}")
            demo["actions"] = actions + number
            for name, array in obs.items():
                demo[f"obs/{name}"], demo[f"next_obs/{name}"] = array[:-1], array[1:]
    version = _imported(tmp_path / "in.hdf5", tmp_path / "out", (), ())
    assert verify.verify(version) == []
    first, second = sorted(reader.iterate_episodes(version), key=lambda e: e.id)
    for number, episode in enumerate((first, second)):
        for name, array in obs.items():
            stored = episode.steps[name]
            assert (stored == array.astype(stored.dtype).reshape(stored.shape)).all()
            assert (stored.dtype == np.uint8) == name.endswith("image")
        assert np.allclose(episode.steps["action"][:-1], actions + number)
        # Demonstrations succeed, where nothing says otherwise.
        assert episode.steps["reward"].tolist() == [0, 0, 0, 0, 1, 0]
        assert episode.metadata["family"] == "lift_ph"
        assert episode.metadata["control_hz"] == 20


def test_success_is_the_last_reward(tmp_path):
    _foreign(tmp_path / "in.hdf5", rewarded=False)
    version = _imported(tmp_path / "in.hdf5", tmp_path / "out")
    assert not any(e.metadata["success"] for e in reader.iterate_episodes(version))
    assert verify.verify(version) == []


def test_what_does_not_fit_is_refused_and_nothing_is_published(tmp_path):
    path, root = tmp_path / "in.hdf5", tmp_path / "out"
    _foreign(path)
    for maps, sets in [
        (_MAPS[2:], ("family=lift",)),
        ((*_MAPS[:2], "reward=rewards"), ("family=lift",)),
        ((*_MAPS, "colour=x"), ("family=lift",)),
        (_MAPS, ("family=lift", "episode_id=me")),
        ((*_MAPS[:1], "image=obs/agentview_image,obs/x", *_MAPS[2:]), ("family=lift",)),
        (("state=obs/nothing", *_MAPS[2:]), ("family=lift",)),
        (("state=data", *_MAPS[2:]), ("family=lift",)),
    ]:
        with pytest.raises(UserError):
            _imported(path, root, maps, sets)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UserError, match="not a robomimic file"):
        _imported(path, root)
    assert not list(root.glob("*/*/*.json"))


def test_the_commands(tmp_path, capsys):
    source = _published(tmp_path / "in", SPEC)

    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            cli.main([*map(str, arguments)])
        return stopped.value.code, capsys.readouterr()

    file = tmp_path / "out.hdf5"
    export = ("export", source, file, "--format=robomimic")
    assert run(*export)[0] == 0
    before = file.read_bytes()
    code, shown = run(*export)
    assert code == 1 and "exists already" in shown.err
    assert file.read_bytes() == before
    back = ("import", file, "--format=robomimic", "--name=wtl_demos")
    assert run(*back, "--out", tmp_path / "back")[0] == 0
    code, shown = run(*back, "--name=../up", "--out", tmp_path / "back")
    assert code == 1 and "cannot name a dataset" in shown.err
    assert checksums.fingerprint(tmp_path / "back/wtl_demos/1.0.0") == (
        checksums.fingerprint(source)
    )
    _foreign(tmp_path / "in.hdf5")
    lift = ("import", tmp_path / "in.hdf5", "--format=robomimic", "--name=lift_ph")
    maps = [f"--map={text}" for text in _MAPS]
    assert run(*lift, *maps, "--set=family=lift", "--out", tmp_path / "back")[0] == 0
    with h5py.File(tmp_path / "in.hdf5", "a") as file:
        del file["data/demo_0/obs"]
    code, shown = run(*lift, "--out", tmp_path / "back")
    assert code == 1 and "--map" in shown.err


def test_a_full_disk_is_named_in_a_few_words(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "Can't write data (time = ..., buf = 0x55a7)")

    source = _published(tmp_path / "in", SPEC)
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(UserError, match=r"written \(No space left on device\)"):
        robomimic.export(source, tmp_path / "out.hdf5")
