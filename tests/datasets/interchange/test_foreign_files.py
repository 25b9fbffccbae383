"""HDF5 files of any origin: converted without loss, or refused."""

import os

import h5py
import numpy as np
import pytest

from wtl.commands import cli
from wtl.datasets.contract.errors import UserError
from wtl.datasets.interchange import hdf5_group, import_episodes, robomimic
from wtl.datasets.interchange.field_mapping import FieldMapping
from wtl.datasets.interchange.foreign_episode import REPEATED
from wtl.datasets.reading import reader
from wtl.datasets.storage import verify

_T = 10
_DEMO = {
    "actions": np.linspace(-1, 1, _T)[:, None],
    "rewards": np.eye(_T)[-1],
    "obs/s": np.arange(_T * 3.0).reshape(_T, 3),
}
_MAPS = ("state=obs/s", "action=actions", "reward=rewards")


def _write(path, *demos, name="data/demo_{}"):
    with h5py.File(path, "w") as file:
        for number, demo in enumerate(demos or [_DEMO]):
            for key, array in demo.items():
                file[f"{name.format(number)}/{key}"] = array
    return path


def _imported(path, maps=_MAPS, sets=()):
    mapping = FieldMapping.parse(maps, sets, "foreign")
    with robomimic.RobomimicFile(path, mapping) as file:
        root = path.parent / "out"
        version = import_episodes.import_episodes(
            file.episodes(), root, "foreign", {}, action_limits=None
        )
        assert verify.verify(version) == []
        episodes = sorted(reader.iterate_episodes(version), key=lambda e: e.id)
        return episodes, mapping, file.left_out


def _reward(episode):
    return episode.steps["reward"][:-1].tolist()


def test_states_outside_of_obs_keep_the_last_action_and_its_reward(tmp_path):
    states = np.arange(_T)[:, None]
    path = _write(tmp_path / "a.hdf5", _DEMO | {"states": states})
    (episode,), _, _ = _imported(path, ("state=states", *_MAPS[1:]))
    assert len(episode) == _T + 1 and episode.metadata["success"]
    assert episode.steps["state"].ravel().tolist() == [*range(_T), _T - 1]
    assert _reward(episode) == [0.0] * (_T - 1) + [1.0]
    assert REPEATED in episode.metadata["notes"]


@pytest.mark.parametrize(
    ("changes", "maps", "message"),
    [
        ({"obs/s": np.ones((_T, 3), complex)}, (), "complex128"),
        ({"obs/s": np.full((_T, 3), np.nan)}, (), "not finite"),
        ({"obs/s": np.full((_T, 3), b"a")}, (), "only real numbers"),
        ({"obs/s": np.array(["a"] * _T, h5py.string_dtype())}, (), "only real numbers"),
        (
            {"obs/im": np.ones((_T, 8, 8, 3), np.float32)},
            ("image=obs/im",),
            "image is float32, not uint8: give the range",
        ),
        ({"obs/s": 2**24 + np.arange(_T)[:, None]}, (), "float32 cannot tell"),
        ({"actions": np.full((_T, 1), 1e39)}, (), "'action' has 1e[+]39"),
        ({"rewards": np.full(_T, 1j)}, (), "'reward' is complex128"),
        ({"rewards": np.zeros(_T - 1)}, (), r"rewards are \[9, 1\] for 10 actions"),
        ({"rewards": np.zeros((_T, 2))}, (), r"rewards are \[10, 2\]"),
        ({"obs/s": np.ones((_T - 1, 3))}, (), "'obs/s' of state has 9 steps for 10"),
        ({"obs/s": np.ones((_T + 2, 3))}, (), "'obs/s' has 12 steps, but"),
        ({"obs/t": np.ones((_T + 1, 1))}, ("state=obs/s,obs/t",), None),
        ({"t": 1.7e9 + np.zeros(_T)}, ("timestamp=t",), "do not ascend"),
        ({"t": np.arange(_T) * 50}, ("timestamp=t",), "must be in seconds"),
        ({"t": np.arange(_T) * 0.5}, ("timestamp=t",), "control_hz is 20 but"),
        ({"t": np.arange(4.0)}, ("timestamp=t",), "'rewards' has 10 steps, but 't' 4"),
        ({"ok": np.full(_T, 0.5)}, ("success=ok",), "success cannot be"),
        ({"ok": np.full(1, b"False")}, ("success=ok",), "success cannot be"),
        ({"n": np.full(1, 0.5)}, ("trial_index=n",), "trial_index cannot be"),
    ],
)
def test_what_would_be_converted_in_silence_is_refused(
    tmp_path, changes, maps, message
):
    path = _write(tmp_path / "a.hdf5", _DEMO | changes)
    chosen = {text.partition("=")[0]: text for text in (*_MAPS, *maps)}
    if message is None:
        return _imported(path, chosen.values(), ("control_hz=20",))
    with pytest.raises(UserError, match=f"demo_0: .*{message}|{message}"):
        _imported(path, chosen.values(), ("control_hz=20",))
    return None


@pytest.mark.parametrize("kind", [np.float64, np.int64])
def test_the_time_of_day_keeps_its_precision(tmp_path, kind):
    times = (1_700_000_000 + np.arange(_T) * (1 if kind is np.int64 else 0.1)).astype(
        kind
    )
    path = _write(tmp_path / "a.hdf5", _DEMO | {"t": times})
    (episode,), _, _ = _imported(path, (*_MAPS, "timestamp=t"))
    hz = 1 if kind is np.int64 else 10
    assert episode.metadata["control_hz"] == hz
    np.testing.assert_allclose(
        episode.steps["timestamp"], np.arange(_T + 1) / hz, atol=1e-5
    )


def test_success_comes_from_metadata_and_is_that_of_the_end(tmp_path):
    solved = np.arange(_T) >= _T - 2
    demos = [_DEMO | {"success": solved}, _DEMO | {"success": solved & False}]
    path = _write(tmp_path / "a.hdf5", *demos)
    episodes, mapping, _ = _imported(path, (*_MAPS[:2], "success=success"))
    assert [e.metadata["success"] for e in episodes] == [True, False]
    assert [_reward(e)[-1] for e in episodes] == [1, 0]
    assert not mapping.remarks
    # The reward says another thing.
    episodes, mapping, _ = _imported(path, (*_MAPS, "success=success"))
    assert [e.metadata["success"] for e in episodes] == [True, False]
    assert [_reward(e)[-1] for e in episodes] == [1, 0]
    ((text, count),) = mapping.remarks.items()
    assert "contradicted" in text and count == 1
    assert "contradicted" in episodes[1].metadata["notes"]


def test_groups_of_maniskill(tmp_path):
    demo = {
        "actions": _DEMO["actions"],
        "obs/agent/qpos": np.arange(_T + 1.0)[:, None],
        "obs/camera/rgb": np.full((_T + 1, 8, 8, 4), 255, np.uint8),
        "success": np.arange(_T) == _T - 1,
    }
    empty = {key: array[: len(array) - _T] for key, array in demo.items()}
    path = _write(tmp_path / "a.h5", demo, empty, demo, name="traj_{}")
    episodes, _, left_out = _imported(path, ())
    assert left_out == "1 episodes of less than two steps: traj_1"
    assert len(episodes) == 2
    for episode in episodes:
        assert episode.metadata["success"] and len(episode) == _T + 1
        assert episode.steps["agent/qpos"].ravel().tolist() == list(range(_T + 1))
        assert episode.steps["camera/rgb"].shape == (_T + 1, 8, 8, 3)
        assert REPEATED not in episode.metadata["notes"]


def test_a_group_that_contains_itself_is_read_once(tmp_path):
    path = _write(tmp_path / "a.hdf5")
    with h5py.File(path, "a") as file:
        file["data/demo_0/obs/again"] = file["data/demo_0/obs"]
    (episode,), _, _ = _imported(path, ())
    assert [n for n in episode.steps if n.endswith("s") and len(n) == 1] == ["s"]


def test_options_without_use_and_success_that_is_nowhere_are_told(tmp_path, capsys):
    path = _write(tmp_path / "a.hdf5", _DEMO | {"rewards": np.zeros(_T)})
    arguments = ("import", path, "--format=robomimic", "--name=a", "--image_range=0,1")
    with pytest.raises(SystemExit) as stopped:
        cli.main([*map(str, arguments), f"--out={tmp_path / 'out'}"])
    assert not stopped.value.code
    told = capsys.readouterr().err
    assert "--image_range was not used" in told
    assert "last reward: 0 of 1 episodes succeed" in told
    _, mapping, _ = _imported(path, sets=("success=true",))
    assert mapping.doubts == []


def test_masks_of_other_names_are_noted(tmp_path):
    path = _write(tmp_path / "a.hdf5")
    with h5py.File(path, "a") as file:
        file["mask/better"] = np.array(["demo_0"], "S")
        file["mask/valid"] = np.array(["demo_0"], "S")
    (episode,), _, _ = _imported(path)
    assert episode.metadata["split"] == "val"
    assert "; of better" in episode.metadata["notes"]


def _external(group, secret):
    group.create_dataset("obs/s", (_T, 3), "u1", external=[(str(secret), 0, 30)])


def _external_link(group, secret):
    group["obs/other"] = _DEMO["obs/s"]
    _write(secret.with_name("other.hdf5"), {"s": _DEMO["obs/s"]})
    group["obs/s"] = h5py.ExternalLink("other.hdf5", "data/demo_0/s")


def _linked_group(group, secret):
    _write(secret.with_name("other.hdf5"), {"s": _DEMO["obs/s"]})
    group["obs"] = h5py.ExternalLink("other.hdf5", "data/demo_0")


def _link_to_pipe(group, secret):
    group["obs/s"] = _DEMO["obs/s"]
    os.mkfifo(secret.with_name("pipe.hdf5"))
    group["next_obs"] = h5py.ExternalLink("pipe.hdf5", "data/demo_0")


def _soft_link(group, secret):
    group["hidden"] = _DEMO["obs/s"]
    group["obs/s"] = h5py.SoftLink("/data/demo_0/hidden")


def _virtual(group, secret):
    _write(secret.with_name("other.hdf5"), {"s": _DEMO["obs/s"]})
    layout = h5py.VirtualLayout((_T, 3), "f8")
    layout[:] = h5py.VirtualSource(
        secret.with_name("other.hdf5"), "data/demo_0/s", (_T, 3)
    )
    group.create_virtual_dataset("obs/s", layout)


def _declared(group, secret):
    group.create_dataset("obs/s", (_T, 10**8), "f4", chunks=(_T, 10**6))


def _too_long(group, secret):
    group.create_dataset("obs/s", (10**9, 4), "f4", chunks=(10**6, 4))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_external, "lies in another file"),
        (_external_link, "is a link"),
        (_linked_group, "is a link"),
        (_link_to_pipe, "is a link"),
        (_soft_link, "is a link"),
        (_virtual, "lies in another file"),
        (_declared, "declared as 3815 MiB, but 0 bytes"),
        (_too_long, "declared as"),
    ],
)
@pytest.mark.parametrize("maps", [_MAPS, ()])
def test_an_hdf5_file_is_read_without_others(tmp_path, make, message, maps):
    secret = tmp_path / "secret"
    secret.write_bytes(b"password" * 8)
    path = _write(tmp_path / "a.hdf5", {k: _DEMO[k] for k in ("actions", "rewards")})
    with h5py.File(path, "a") as file:
        make(file["data/demo_0"], secret)
    with pytest.raises(UserError, match=message if maps else None):
        _imported(path, maps)


_SHARED = "x" * 1000  # stored once


@pytest.mark.parametrize(
    ("key", "dtype", "value", "message"),
    [
        ("data/demo_0/obs/v", h5py.vlen_dtype("u1"), [0] * 9, "of variable length"),
        ("data/demo_0/obs/v", h5py.ref_dtype, None, "of variable length"),
        ("data/demo_0/obs/v", h5py.string_dtype(), _SHARED, "texts of variable"),
        ("mask/x", h5py.string_dtype(), _SHARED, "texts of variable"),
    ],
)
def test_one_value_is_not_read_as_many(
    tmp_path, monkeypatch, key, dtype, value, message
):
    monkeypatch.setattr(hdf5_group, "_MOST_TEXT_BYTES", 1 << 12)
    path = _write(tmp_path / "a.hdf5")
    with h5py.File(path, "a") as file:
        array = file.create_dataset(key, (_T,), dtype)
        array[0] = file.ref if value is None else value
        place = array.id.get_offset()
    data = bytearray(path.read_bytes())
    width = 8 if value is None else 16
    data[place : place + width * _T] = data[place : place + width] * _T
    path.write_bytes(data)
    with pytest.raises(UserError, match=message):
        _imported(path, () if "obs" in key else _MAPS)


def test_an_attribute_of_variable_length_is_one_value(tmp_path):
    path = _write(tmp_path / "a.hdf5")
    with h5py.File(path, "a") as file:
        attributes = file["data/demo_0"].attrs
        attributes["language"] = "lift it"
        attributes["many"] = np.array(["lift it"] * 9, h5py.string_dtype())
    (episode,), _, _ = _imported(path, (*_MAPS, "instruction=language"))
    assert episode.metadata["instruction"] == "lift it"
    with pytest.raises(UserError, match="'many' is of variable length"):
        _imported(path, (*_MAPS, "instruction=many"))


@pytest.mark.parametrize(
    "later", [_DEMO["obs/s"][:-1], _DEMO["obs/s"].astype("f4"), _DEMO["obs/s"][:, :1]]
)
def test_next_observations_are_of_the_form_of_the_others(tmp_path, later):
    path = _write(tmp_path / "a.hdf5", _DEMO | {"next_obs/s": later})
    with pytest.raises(UserError, match="'next_obs/s' is float"):
        _imported(path)


@pytest.mark.parametrize("format_", ["robomimic", "lerobot", "rlds"])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_only_regular_files_are_opened(tmp_path, format_, kind, capsys):
    source = tmp_path / "in"
    at = source
    if format_ != "robomimic":
        at = (
            source / {"lerobot": "meta/info.json", "rlds": "dataset_info.json"}[format_]
        )
        at.parent.mkdir(parents=True)
    if kind == "pipe":
        os.mkfifo(at)
    else:
        at.symlink_to("/dev/zero")
    command = ["import", str(source), f"--format={format_}", "--name=x"]
    with pytest.raises(SystemExit) as stopped:
        cli.main([*command, f"--out={tmp_path / 'out'}"])
    assert stopped.value.code == 1
    assert "regular" in (text := capsys.readouterr().err) or "link" in text


def test_escapes_in_names_are_printed_escaped(tmp_path, capsys):
    path = _write(
        tmp_path / "a.hdf5", _DEMO | {"obs/\x1b[2Jx": np.ones((_T, 1), "c16")}
    )
    maps = [f"--map={text}" for text in (*_MAPS, "x=obs/\x1b[2Jx")]
    with pytest.raises(SystemExit):
        cli.main(
            ["import", str(path), "--format=robomimic", "--name=x", *maps]
            + [f"--out={tmp_path / 'out'}"]
        )
    assert "\x1b" not in capsys.readouterr().err
