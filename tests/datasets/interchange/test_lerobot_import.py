"""LeRobot datasets of versions 2.0, 2.1 and 3.0 become episodes, number by number."""

import io
import json
import os
import pathlib
import shutil

import av
import fake_lerobot
import fake_videos
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from wtl.commands import cli
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.observation import Observation
from wtl.datasets.format import schema
from wtl.datasets.interchange import (
    import_episodes,
    lerobot,
    lerobot_dataset,
    lerobot_folder,
)
from wtl.datasets.interchange.field_mapping import FieldMapping
from wtl.datasets.reading import reader
from wtl.datasets.storage import publish, verify
from wtl.datasets.storage.staging import StagingWriter
from wtl.datasets.testing.fakes import fake_episode
from wtl.datasets.videos import video_frames

_NAMES = {
    "state": "observation.state",
    "environment_state": "observation.environment_state",
    "contact": "observation.contact",
    "counts": "observation.counts",
    "grid": "observation.grid",
    "images/cam_high": "observation.images.cam_high",
    "images/wrist/left": "observation.images.wrist.left",
}


def _dataset(folder, maps=(), sets=()):
    mapping = FieldMapping.parse(maps, sets, "cups")
    return lerobot_dataset.LeRobotDataset(folder, mapping)


def _imported(folder, root, maps=(), sets=()):
    source = _dataset(folder, maps, sets)
    version = import_episodes.import_episodes(
        *(source.episodes(), root, "cups", source.identity, source.license),
        action_limits=None,
        action_names=source.action_names,
    )
    names = ("dx", "dy", "dz", "turn")
    assert schema.stored_spec(version).action_names == names
    assert verify.verify(version) == []
    return {
        int(episode.metadata["notes"].split(";")[0].removeprefix("episode ")): episode
        for episode in reader.iterate_episodes(version)
    }


def _close(shown, drawn):
    """Whether decoded images are those that were drawn and no others."""
    errors = np.abs(shown.astype(int) - drawn).mean((1, 2, 3))
    others = np.abs(shown[1:].astype(int) - drawn[:-1]).mean((1, 2, 3))
    return errors.max() < 6 and others.min() > 30


def _change(folder, **changes):
    """Change `meta/info.json` and return it."""
    path = folder / "meta/info.json"
    info = json.loads(path.read_text()) | changes
    path.write_text(json.dumps(info))
    return info


@pytest.mark.parametrize(
    ("version", "codec"),
    [
        ("v2.0", "libx264"),
        ("v2.1", "libx265"),
        ("v3.0", "libsvtav1"),
        ("v3.0", "libx264"),
        ("v2.0", None),
        ("v3.0", None),
    ],
)
def test_every_number_and_image_comes_in(tmp_path, monkeypatch, version, codec):
    monkeypatch.setenv("SVT_LOG", "1")
    if codec:
        try:
            av.Codec(codec, "w")
        except ValueError:
            pytest.skip(f"FFmpeg has no encoder {codec}")
    folder = fake_lerobot.write(tmp_path / "in", version, codec)
    found = _imported(folder, tmp_path / "out")
    assert sorted(found) == list(range(len(fake_lerobot.LENGTHS)))
    for number, episode in found.items():
        written = fake_lerobot.numbers(number)
        length = fake_lerobot.LENGTHS[number]
        assert len(episode) == length + 1
        for name, key in _NAMES.items():
            stored = episode.steps[name]
            assert (stored[-1] == stored[-2]).all()
            if key in fake_lerobot.CAMERAS:
                drawn = fake_lerobot.pictures(number, key)
                assert stored.shape[1:] == (*fake_lerobot.CAMERAS[key], 3)
                assert _close(stored[:-1], drawn)
                assert codec or (stored[:-1] == drawn).all()
            else:
                rows = written[key].reshape(length, *stored.shape[1:])
                assert (stored[:-1] == rows.astype("f4")).all()
        assert (episode.steps["action"][:-1] == written["action"]).all()
        assert episode.steps["reward"].tolist() == [0.0] * (length - 1) + [1.0, 0.0]
        assert np.allclose(episode.steps["timestamp"], np.arange(length + 1) / 30)
        assert episode.metadata["instruction"] == fake_lerobot.TASKS[number % 2]
        assert episode.metadata["control_hz"] == 30
        assert episode.metadata["family"] == "cups"
        assert episode.metadata["success"]
    assert found[0].metadata["task_id"] == "put_the_red_cup_on_the_shelf"
    tasks = {episode.metadata["task_id"] for episode in found.values()}
    assert len(tasks) == 2


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Datasets of both layouts."""
    root = tmp_path_factory.mktemp("small")
    return {v: fake_lerobot.write(root / v, v) for v in ("v2.1", "v3.0")}


def _run(*arguments):
    with pytest.raises(SystemExit) as stopped:
        cli.main([*map(str, arguments)])
    return stopped.value.code


def test_the_command_names_missing_episodes(tmp_path, capsys):
    folder = fake_lerobot.write(tmp_path / "in", "v2.1")
    (folder / "data/chunk-000/episode_000001.parquet").unlink()
    camera = "observation.images.cam_high"
    (folder / f"videos/chunk-001/{camera}/episode_000003.mp4").unlink()
    command = ("import", folder, "--format=lerobot", "--name=cups")
    assert _run(*command, "--out", tmp_path / "out") == 0
    shown = capsys.readouterr()
    (line,) = shown.err.splitlines()
    assert "2 of 5 listed episodes" in line
    assert "1 ('data/chunk-000/episode_000001.parquet')" in line
    assert "episode_000003.mp4" in line
    assert len(list(reader.iterate_episodes(tmp_path / "out/cups/1.0.0"))) == 3
    for path in folder.glob("data/*/*.parquet"):
        path.unlink()
    assert _run(*command, "--out", tmp_path / "out") == 1
    assert "5 of 5 listed episodes" in capsys.readouterr().err


def test_missing_files_of_many_episodes(tmp_path):
    folder = fake_lerobot.write(tmp_path / "in", "v3.0")
    (folder / "data/chunk-001/file-000.parquet").unlink()
    rows = pq.read_table(folder / "data/chunk-000/file-001.parquet")
    kept = rows.filter(np.array(rows["episode_index"]) != 2)
    pq.write_table(kept, folder / "data/chunk-000/file-001.parquet")
    listed = folder / "meta/episodes/chunk-000/file-000.parquet"
    rows = pq.read_table(listed).to_pylist()
    rows[1] |= {key: None for key in rows[1] if key.startswith("videos/observation")}
    pq.write_table(pa.Table.from_pylist(rows), listed)
    source = _dataset(folder)
    assert "2 of 5" in source.left_out
    assert len(list(source.episodes())) == 2
    assert "3 of 5" in source.left_out and "2 ('rows in " in source.left_out


def test_a_mapping_selects_and_renames(small, tmp_path):
    maps = (
        "arm/joints=observation.state,observation.environment_state",
        "image=observation.images.wrist.left",
        "action=action",
    )
    found = _imported(small["v3.0"], tmp_path, maps, ("family=shelf", "success=false"))
    for number, episode in found.items():
        written = fake_lerobot.numbers(number)
        joined = [written[_NAMES[n]] for n in ("state", "environment_state")]
        joints = np.concatenate(joined, 1).astype("f4")
        assert (episode.steps["arm/joints"][:-1] == joints).all()
        drawn = fake_lerobot.pictures(number, _NAMES["images/wrist/left"])
        assert _close(episode.steps["image"][:-1], drawn)
        assert "state" not in episode.steps
        assert not episode.steps["reward"].any()
        assert episode.metadata["family"] == "shelf"
    with pytest.raises(UserError, match="no feature 'observation.nothing'"):
        _dataset(small["v3.0"], ("state=observation.nothing",))


@pytest.mark.parametrize(
    ("more", "success", "rewards"),
    [
        ({"next.success": 1.0, "next.reward": 0.0}, True, 1.0),
        ({"next.success": 0.0, "next.reward": 1.0}, False, 0.0),
        ({"next.reward": 0.5}, True, 0.5),
        ({"next.reward": 0.0}, False, 0.0),
        ({"next.success": 0.0}, False, 0.0),
    ],
)
def test_success(tmp_path, more, success, rewards):
    columns = {
        name: [np.full(length, value) for length in fake_lerobot.LENGTHS]
        for name, value in more.items()
    }
    folder = fake_lerobot.write(tmp_path / "in", "v2.1", None, columns)
    for episode in _dataset(folder).episodes():
        assert episode.metadata["success"] == success
        assert episode.steps["reward"][-2] == np.float32(rewards)
        assert episode.steps["is_terminal"][-1] == (more.get("next.success") == 1)


def test_splits_and_names_in_their_several_forms(tmp_path):
    folder = fake_lerobot.write(tmp_path / "in", "v2.1", None)
    splits = {
        "train": "0:3",
        "validation": "3:4",
        "test": "4:5",
        "odd": "all",
        "mine": "4:9",
    }
    features = _change(folder, splits=splits)["features"]
    for names, known in (
        ({"motors": ["a", "b", "c", "d"]}, ("a", "b", "c", "d")),
        ({"a": 0, "b": 1, "c": 2, "d": 3}, ("a", "b", "c", "d")),
        (["a", "b"], ()),
        ({}, ()),
    ):
        features["action"]["names"] = names
        _change(folder, features=features)
        assert _dataset(folder).action_names == known
    found = [e.metadata for e in _dataset(folder).episodes()]
    assert [m["split"] for m in found] == ["train"] * 3 + ["val", "test"]
    assert [i for i, m in enumerate(found) if "; of mine" in m["notes"]] == [4]
    assert [m["object_set"] for m in found] == ["cups"] * 3 + ["cups-val", "cups-test"]


@pytest.mark.parametrize(
    ("shape", "mode", "problem"),
    [
        ([8, 16, 1], "L", None),
        ([1, 8, 16], "L", None),
        ([8, 16, 4], "RGBA", None),
        ([4, 8, 16], "RGBA", None),
        ([8, 16, 1], "I;16", "of mode I;16, not of 8 bits"),
        ([8, 16, 1], "P", "of mode P"),
        ([8, 16, 3], "L", r"\[8, 16, 1\], not \[8, 16, 3\]"),
    ],
)
def test_images_of_other_channels(tmp_path, shape, mode, problem):
    folder = fake_lerobot.write(tmp_path / "in", "v2.1", None)
    features = _change(folder)["features"]
    features["observation.gray"] = {"dtype": "image", "shape": shape, "names": None}
    _change(folder, features=features)
    buffer = io.BytesIO()
    Image.new(mode, (16, 8), 77 if mode in "LPI;16" else (77,) * 4).save(buffer, "PNG")
    cell = {"bytes": buffer.getvalue(), "path": "0.png"}
    for path in folder.glob("data/*/*.parquet"):
        table = pq.read_table(path)
        column = pa.array([cell] * len(table))
        pq.write_table(table.append_column("observation.gray", column), path)
    maps = ("gray=observation.gray", "action=action")
    if problem:
        with pytest.raises(UserError, match=problem):
            list(_dataset(folder, maps).episodes())
        return
    for episode in _dataset(folder, maps).episodes():
        assert episode.steps["gray"].shape[1:] == (8, 16, 3)
        assert (episode.steps["gray"] == 77).all()


def test_an_export_comes_back(tmp_path):
    spec = EpisodeSpec(
        (
            Observation("state", (7,)),
            Observation("arm/joints", (3,)),
            Observation("image", (16, 24, 3), "uint8"),
            Observation("wrist_image", (8, 8, 3), "uint8"),
        ),
        action_size=3,
        action_names=("a", "b", "c"),
        gains_size=3,
        instruction=True,
    )
    given = {"split": "val", "parent_demo_ids": ("b",), "instruction": "Lift"}
    episodes = [fake_episode(i, spec, transitions=4 + i, **given) for i in range(3)]
    with StagingWriter(tmp_path / "staged", spec) as writer:
        writer.append(episodes)
    version = publish.publish(
        tmp_path / "staged", tmp_path, "wtl_demos", "1.0.0", spec, {}
    )
    lerobot.export(version, tmp_path / "exported")
    dataset = _dataset(tmp_path / "exported")
    assert dataset.action_names == spec.action_names
    found = {e.id: e for e in dataset.episodes()}
    assert len(found) == 3
    for episode in episodes:
        back = found[episode.id]
        assert back.metadata == episode.metadata
        assert back.steps.keys() == episode.steps.keys()
        for name, array in back.steps.items():
            last = 1 if name in ("state", "arm/joints", "image", "wrist_image") else 0
            end = len(array) - last
            assert np.allclose(array[:end], episode.steps[name][:end]), name


_EVIL = "\x1b[31mred"


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"codebase_version": "v1.6"}, "'v1.6' is not read"),
        ({"fps": 0}, "frames per second"),
        ({"fps": None}, "cannot be understood"),
        ({"features": []}, "cannot be understood"),
        ({"chunks_size": 0}, "cannot be understood"),
        ({"data_path": "../data/{episode_index:06d}.parquet"}, "outside"),
        ({"data_path": "/etc/passwd"}, "outside"),
        ({"data_path": "data"}, "no regular file"),
        ({"data_path": "{episode_index.__class__}"}, "not understood"),
        ({"data_path": "{episode_index:0999999999d}"}, "not understood"),
        ({"data_path": "{nothing}"}, "cannot be understood"),
        ({"data_path": "data/\0"}, "cannot be understood"),
        ({"video_path": "{video_key}/../../../x.mp4"}, "outside"),
        ({"data_path": f"{_EVIL}.parquet"}, r"5 of 5.*'\\x1b\[31mred"),
    ],
)
@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
def test_descriptions_that_are_refused(small, tmp_path, version, changes, match):
    folder = tmp_path / "in"
    shutil.copytree(small[version], folder)
    if version == "v3.0" and "chunks_size" in changes:
        return
    _change(folder, **changes)
    with pytest.raises(UserError, match=match):
        _dataset(folder)


def test_files_that_are_refused(small, tmp_path):
    def copy(version):
        shutil.rmtree(tmp_path / "in", ignore_errors=True)
        return shutil.copytree(small[version], tmp_path / "in")

    def refused(folder, match):
        with pytest.raises(UserError, match=match) as raised:
            list(_dataset(folder).episodes())
        assert str(raised.value).isprintable()

    def feature(folder, name, **changes):
        features = _change(folder)["features"]
        _change(folder, features=features | {name: features["action"] | changes})

    data = "data/chunk-000/episode_000000.parquet"
    video = "videos/chunk-000/observation.images.cam_high/episode_000000.mp4"
    folder = copy("v2.1")
    (folder / data).rename(tmp_path / "kept.parquet")
    (folder / data).symlink_to(tmp_path / "kept.parquet")
    refused(folder, "is a link")
    (folder / data).unlink()
    os.mkfifo(folder / data)
    refused(folder, "no regular file")
    folder = copy("v2.1")
    (folder / data).write_bytes((folder / data).read_bytes()[:-9])
    refused(folder, "episode_000000.parquet' cannot be read")
    folder = copy("v2.1")
    rows = pq.read_table(folder / data)

    def filled(name, value):
        cells = pa.array([value] * len(rows))
        at = rows.column_names.index(name)
        pq.write_table(rows.set_column(at, name, cells), folder / data)

    filled("episode_index", 0.5)
    refused(folder, "episode_index is not whole")
    filled("task_index", 9)
    refused(folder, "task_index 9 is none of the listed tasks")
    folder = copy("v2.1")
    (folder / video).write_bytes((folder / video).read_bytes()[:-9])
    refused(folder, "episode 0: .*cut off")
    folder = copy("v2.1")
    feature(folder, "action", shape=[3])
    refused(folder, "'action' is not of its shape")
    feature(folder, "action", shape=[5])
    refused(folder, "not of shape")
    feature(folder, "action", shape=[1 << 40])
    refused(folder, "GiB")
    folder = copy("v2.1")
    camera = {"dtype": "video", "shape": [96, 96, 3], "names": None}
    feature(folder, "observation.images.cam_high", **camera)
    refused(folder, "has frames of 96 × 72 pixels, not 96 × 96")
    feature(folder, "observation.images.cam_high", **camera | {"shape": [9999, 64, 3]})
    refused(folder, "4096 pixels")
    folder = copy("v2.1")
    feature(folder, f"observation.{_EVIL}")
    refused(folder, "cannot be an observation of its own name")
    folder = copy("v2.1")
    lines = (folder / "meta/episodes.jsonl").read_text()
    for changed, match in (
        (lines + lines, "listed twice"),
        (lines.replace('"length": 5', '"length": 4'), "longer than listed"),
        (lines.replace('"length": 5', '"length": 6'), "5 rows, not 6"),
    ):
        (folder / "meta/episodes.jsonl").write_text(changed)
        refused(folder, match)
    (folder / "meta/info.json").write_text("[" * 100_000)
    refused(folder, "cannot be understood")
    refused(tmp_path, "no LeRobot dataset")
    folder = copy("v3.0")
    table = folder / "meta/episodes/chunk-000/file-000.parquet"
    rows = pq.read_table(table).to_pylist()
    rows[1]["videos/observation.images.cam_high/from_timestamp"] += 0.01
    pq.write_table(pa.Table.from_pylist(rows), table)
    refused(folder, "episode 1: .*has no frame at")


def test_small_files_do_not_become_large_tables(tmp_path, monkeypatch):
    folder = fake_lerobot.write(tmp_path / "in", "v2.1")
    features = _change(folder)["features"]
    image = {"dtype": "image", "shape": [8, 8, 3], "names": None}
    _change(folder, features=features | {"observation.image": image})
    path = folder / "data/chunk-000/episode_000000.parquet"
    table = pq.read_table(path)
    cells = [{"bytes": b"x" * (1 << 20), "path": "x"}] * len(table)
    pq.write_table(table.append_column("observation.image", pa.array(cells)), path)
    with pytest.raises(UserError, match="episode_000000.parquet': values are too"):
        list(_dataset(folder).episodes())
    many = pa.table({"task_index": [0] * 99, "task": ["x" * 99] * 99})
    pq.write_table(many, folder / "meta/tasks.parquet")
    for limit, message in (
        ("_MAX_TEXT_BYTES", "tasks.parquet': values are too large"),
        ("_MAX_EPISODES", "tasks.parquet' has too many rows"),
    ):
        with monkeypatch.context() as patch, pytest.raises(UserError, match=message):
            patch.setattr(lerobot_folder, limit, 98)
            patch.setattr(lerobot_folder, "_text", pathlib.Path.read_text)
            _dataset(folder)
    pq.write_table(
        many,
        folder / "meta/tasks.parquet",
        use_dictionary=False,
        column_encoding={"task": "DELTA_BYTE_ARRAY"},
    )
    with pytest.raises(UserError, match="DELTA_BYTE_ARRAY are not read"):
        _dataset(folder)


def test_upright_frames_of_a_turned_video(tmp_path):
    path = tmp_path / "a.mp4"
    images = [fake_videos.numbered(i, 96, 96) for i in range(9)]
    wide = [np.hstack([image[:, :32], image]) for image in images]  # 96 × 128
    turned = [np.rot90(image, -1) for image in wide]
    fake_videos.film(path, turned, np.arange(9) / 10, rotation=90)
    frames = video_frames.at_times(path, [0.2, 0.509, 0.509], (96, 128, 3), 0.01)
    assert [fake_videos.number_of(frame[:, 32:]) for frame in frames] == [2, 5, 5]
    for times in ([0.25], [0.2, 5.0], [0.5, 0.2], [np.nan], [np.inf]):
        with pytest.raises(video_frames.VideoError):
            video_frames.at_times(path, times, (96, 128, 3), 0.01)
    with pytest.raises(video_frames.VideoError, match="96 × 128"):
        video_frames.at_times(path, [0.2], (64, 64, 3), 0.01)


def test_a_missing_value_is_named(small, tmp_path):
    folder = shutil.copytree(small["v2.1"], tmp_path / "in")
    path = folder / "data/chunk-000/episode_000000.parquet"
    table = pq.read_table(path)
    for name in ("action", "timestamp"):
        column = table.column_names.index(name)
        cells = [*table[name].to_pylist()[:-1], None]
        cells = pa.array(cells, table[name].type)
        pq.write_table(table.set_column(column, name, cells), path)
        with pytest.raises(UserError, match=f"episode 0: '{name}': a value is missing"):
            list(_dataset(folder).episodes())
