"""Export to LeRobot v3.0: the documented layout, and every number in it."""

import dataclasses
import io
import json
import os
import subprocess

import numpy as np
import pyarrow.compute
import pyarrow.parquet as pq
import pytest
from PIL import Image

from wtl.commands import cli
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.observation import observed
from wtl.datasets.interchange import lerobot, lerobot_dataset
from wtl.datasets.interchange.field_mapping import FieldMapping
from wtl.datasets.reading import reader
from wtl.datasets.storage import publish
from wtl.datasets.storage.staging import StagingWriter
from wtl.datasets.testing.fakes import SPEC, fake_episode

_RICH = EpisodeSpec(
    observed(7, 16, wrist=True), action_size=3, physics_size=4, interventions=False
)

_HIDDEN = dataclasses.replace(SPEC, gains_size=3, dynamics_size=5)


def _published(root, spec, **metadata):
    with StagingWriter(root / "staged", spec) as writer:
        for index in range(9):
            given = {"split": fields.SPLITS[index % 3], "success": index % 2 == 0}
            writer.append(
                fake_episode(index, spec, transitions=4 + index % 3, **given | metadata)
            )
    return publish.publish(root / "staged", root, "wtl_demos", "1.0.0", spec, {})


@pytest.fixture(params=[SPEC, _RICH, _HIDDEN], ids=["state", "images", "hidden"])
def exported(request, tmp_path):
    source = _published(tmp_path / "in", request.param)
    assert lerobot.export(source, tmp_path / "out") == 9
    return list(reader.iterate_episodes(source)), tmp_path / "out"


def _rows(folder):
    """Rows of every episode, found in the way the format says."""
    info = json.loads((folder / "meta/info.json").read_text())
    table = pq.read_table(folder / "meta/episodes/chunk-000/file-000.parquet")
    for row in table.to_pylist():
        place = {key: row[f"data/{key}"] for key in ("chunk_index", "file_index")}
        path = folder / info["data_path"].format(**place)
        data = pq.read_table(path)
        wanted = pyarrow.compute.equal(data["episode_index"], row["episode_index"])
        yield row, data.filter(wanted)


def test_every_number_is_where_the_format_says(exported):
    episodes, folder = exported
    tasks = pq.read_table(folder / "meta/tasks.parquet").to_pylist()
    task_of = {row["task_index"]: row["task"] for row in tasks}
    at = 0
    for episode, (row, data) in zip(episodes, _rows(folder), strict=True):
        length = len(episode) - 1
        assert (row["length"], row["dataset_from_index"]) == (length, at)
        at += length
        assert row["dataset_to_index"] == at
        assert data["index"].to_pylist() == list(range(at - length, at))
        assert data["frame_index"].to_pylist() == list(range(length))
        for name, key in [
            ("state", "observation.state"),
            ("action", "action"),
            ("reward", "next.reward"),
        ]:
            assert (np.array(data[key].to_pylist()) == episode.steps[name][:-1]).all()
        assert data["next.done"].to_pylist() == [False] * (length - 1) + [True]
        assert np.allclose(data["timestamp"], np.arange(length) / 10)
        task = episode.metadata["task_id"]
        assert row["tasks"] == [task]
        assert {task_of[i] for i in data["task_index"].to_pylist()} == {task}
        assert row["wtl/episode_id"] == episode.id
        assert row["wtl/success"] == episode.metadata["success"]
        gains = episode.metadata.get("hidden/gains")
        assert gains is None or row["wtl/hidden/gains"] == list(gains)
        for name, key in [
            ("image", "observation.images.fixed"),
            ("wrist_image", "observation.images.wrist"),
        ]:
            if name in episode.steps:
                shown = [
                    np.asarray(Image.open(io.BytesIO(cell["bytes"])))
                    for cell in data[key].to_pylist()
                ]
                assert (np.array(shown) == episode.steps[name][:-1]).all()


def test_info_and_statistics_are_those_of_the_data(exported):
    episodes, folder = exported
    info = json.loads((folder / "meta/info.json").read_text())
    assert info["codebase_version"] == "v3.0" and info["fps"] == 10
    assert info["total_episodes"] == 9
    assert info["total_frames"] == sum(len(e) - 1 for e in episodes)
    assert info["splits"] == {"train": "0:3", "val": "3:6", "test": "6:9"}
    columns = pq.read_schema(folder / "data/chunk-000/file-000.parquet").names
    assert columns == list(info["features"])
    stats = json.loads((folder / "meta/stats.json").read_text())
    assert stats.keys() == info["features"].keys()
    action = np.concatenate([e.steps["action"][:-1] for e in episodes])
    for key, expected in [
        ("min", action.min(0)),
        ("max", action.max(0)),
        ("mean", action.mean(0)),
        ("std", action.std(0)),
    ]:
        assert np.allclose(stats["action"][key], expected, atol=1e-5)
    assert stats["action"]["count"] == [len(action)]
    if "image" in episodes[0].steps:
        image = np.concatenate([e.steps["image"][:-1] for e in episodes]) / 255
        found = stats["observation.images.fixed"]
        assert np.allclose(found["mean"], image.mean((0, 1, 2))[:, None, None])
        assert np.allclose(found["std"], image.std((0, 1, 2))[:, None, None])


def test_large_datasets_are_cut_into_files(tmp_path, monkeypatch):
    monkeypatch.setattr(lerobot, "_FILE_MEGABYTES", 0)
    monkeypatch.setattr(lerobot, "_FILES_PER_CHUNK", 4)
    lerobot.export(_published(tmp_path / "in", SPEC), tmp_path / "out")
    files = sorted(tmp_path.glob("out/data/*/*"))
    assert [str(f.relative_to(tmp_path / "out/data")) for f in files][3:6] == [
        "chunk-000/file-003.parquet",
        "chunk-001/file-000.parquet",
        "chunk-001/file-001.parquet",
    ]
    assert [len(data) for _, data in _rows(tmp_path / "out")] == [
        row["length"] for row, _ in _rows(tmp_path / "out")
    ]


def test_images_as_videos_come_back_nearly_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(lerobot, "_FILE_MEGABYTES", 0)
    source = _published(tmp_path / "in", _RICH)
    target = tmp_path / "out"
    with pytest.raises(SystemExit) as stopped:
        cli.main(["export", str(source), str(target), "--format=lerobot", "--videos"])
    assert stopped.value.code == 0
    assert len(list(target.glob("videos/observation.images.wrist/*/*.mp4"))) > 1
    columns = pq.read_schema(target / "data/chunk-000/file-000.parquet").names
    assert not any("images" in name for name in columns)
    about = json.loads((target / "meta/info.json").read_text())["features"]
    assert about["observation.images.fixed"]["info"]["video.codec"] == "av1"
    episodes = list(reader.iterate_episodes(source))
    read = lerobot_dataset.LeRobotDataset(target, FieldMapping.parse((), (), "again"))
    for episode, found in zip(episodes, read.episodes(), strict=True):
        for name in ("image", "wrist_image"):
            shown = found.steps[name][: len(episode) - 1].astype(float)
            assert np.abs(shown - episode.steps[name][:-1]).mean() < 8


def test_what_lerobot_cannot_hold_is_refused(tmp_path):
    source = _published(tmp_path / "in", SPEC)
    (tmp_path / "kept").mkdir()
    with pytest.raises(UserError, match="exists already"):
        lerobot.export(source, tmp_path / "kept")
    odd = _published(tmp_path / "odd", SPEC, control_hz=2.5)
    with pytest.raises(UserError, match="2.5 Hz"):
        lerobot.export(odd, tmp_path / "out")
    video = EpisodeSpec(observed(7))
    with pytest.raises(UserError, match="videos"):
        lerobot.export(_published(tmp_path / "video", video), tmp_path / "out")
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".out*"))


def test_the_command(tmp_path, capsys):
    source = _published(tmp_path / "in", SPEC)
    with pytest.raises(SystemExit) as stopped:
        cli.main(["export", str(source), str(tmp_path / "out"), "--format=lerobot"])
    assert stopped.value.code == 0, capsys.readouterr().err
    assert (tmp_path / "out/meta/info.json").is_file()


_LOAD = """
import sys
from lerobot.datasets.lerobot_dataset import LeRobotDataset
data = LeRobotDataset("wtl/test", root=sys.argv[1])
assert (data.num_episodes, data.fps) == (9, 10), data
for index in range(len(data)):
    print(index, data[index]["task"], *data[index]["action"].tolist())
"""


@pytest.mark.slow
def test_lerobot_itself_loads_it(exported):
    python = os.environ.get("LEROBOT_PYTHON")
    if not python:
        pytest.skip(
            "LEROBOT_PYTHON names no Python that has lerobot, which has no "
            "distribution for this one"
        )
    episodes, folder = exported
    found = subprocess.run(
        [python, "-c", _LOAD, folder],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"HOME": str(folder), "HF_HUB_OFFLINE": "1", "PATH": os.environ["PATH"]},
    )
    assert found.returncode == 0, found.stderr
    lines = [line.split() for line in found.stdout.splitlines() if line[0].isdigit()]
    actions = np.concatenate([e.steps["action"][:-1] for e in episodes])
    assert np.allclose([list(map(float, line[2:])) for line in lines], actions)
    assert lines[0][1] == episodes[0].metadata["task_id"]
