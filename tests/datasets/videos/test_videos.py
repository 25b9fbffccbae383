"""Folders of real videos become a dataset."""

import json
import shutil

import numpy as np
import pytest
import tensorflow_datasets as tfds
from fake_videos import number_of

from tests.datasets.videos.filmed import GOOD, faults_of, truncated, write_tasks
from wtl.commands import cli
from wtl.datasets.contract.errors import UserError
from wtl.datasets.format import schema
from wtl.datasets.format.encoding import encode
from wtl.datasets.reading import reader
from wtl.datasets.storage import checksums, verify
from wtl.datasets.storage.shard_lock import DatasetLockedError, ShardLock
from wtl.datasets.videos import import_videos, video_folder
from wtl.datasets.videos import video_frames as frames_of
from wtl.datasets.videos.video_tasks import TasksError
from wtl.datasets.wtl_human_videos import wtl_human_videos_dataset_builder as builders


def test_a_folder_becomes_a_dataset(three, tmp_path):
    path = import_videos.import_videos(three, tmp_path / "out", pixels=32)
    assert path == tmp_path / "out" / "wtl_human_videos" / "1.0.0"
    assert verify.verify(path) == []
    assert schema.stored_spec(path) == video_folder.spec(32)
    store = reader.read(path, "train", images={"image": (32, 32)})
    by_task = {name: row for row, name in enumerate(store["task_id"])}
    cups, balls = by_task["cups"], by_task["balls"]
    assert store.length.tolist() == [12, 12]
    assert [number_of(image) for image in store.image[balls]] == list(range(20, 32))
    assert store["family"][balls] == "grasp" and store["success"].all()
    assert store["demonstrator"][[cups, balls]].tolist() == ["human:anna", "human:ben"]
    assert store["object_set"][cups] == "set1" and store["role"][cups] == "demo"
    assert store["notes"][cups] == "good.mp4" and store["scene_seed"][cups] == -1
    val = reader.read(path, "val")
    assert val["demonstrator"].tolist() == ["human"] and val["object_set"][0] == ""
    provenance = json.loads((path / "provenance.json").read_text())
    assert provenance["videos"]["good.mp4"] == (
        checksums.checksum(three / "videos" / "good.mp4").sha256
    )


@pytest.mark.parametrize("encoding", ["png", "jpeg"])
def test_plain_tfds_reads_it(three, tmp_path, encoding):
    path = import_videos.import_videos(three, tmp_path / "out", encoding=encoding)
    builder = tfds.builder_from_directory(str(path))
    seen = {}
    for episode in tfds.as_numpy(builder.as_dataset("train")):
        steps = list(episode["steps"])
        assert set(steps[0]) == {
            "observation", "is_first", "is_last", "is_terminal", "timestamp"
        }  # fmt: skip
        np.testing.assert_allclose(
            [step["timestamp"] for step in steps], np.arange(12) / 10, rtol=1e-6
        )
        seen[episode["task_id"].decode()] = [
            number_of(step["observation"]["image"]) for step in steps
        ]
    assert seen == {"cups": list(range(12)), "balls": list(range(20, 32))}


def test_optional_columns_and_what_spreadsheets_write(folder, tmp_path):
    text = (
        "\ufeffvideo , task_id,family,split,start_s,end_s,success\r\n"
        "\r\n"
        'good.mp4,"cups, red",press,test,0.2,1,FALSE\r\n'
        ",,,,,,\r\n"
    )
    (folder / "tasks.csv").write_text(text, encoding="utf-8", newline="")
    (folder / "videos" / "._good.mp4").write_bytes(b"left by a file manager")
    (folder / "videos" / "notes.txt").write_text("not a video")
    path = import_videos.import_videos(folder, tmp_path / "out")
    store = reader.read(path, "test", images={"image": (64, 64)})
    assert store["success"].tolist() == [False]
    assert store["task_id"].tolist() == ["cups, red"]
    assert store["notes"].tolist() == ["good.mp4, 0.2 s to 1 s"]
    assert [number_of(image) for image in store.image[0]] == list(range(2, 11))
    assert verify.verify(path) == []


def test_ids_follow_from_task_and_content_alone(three, clips, tmp_path):
    def ids(folder):
        return {
            v.metadata["episode_id"] for v in video_folder.VideoFolder(folder).videos
        }

    before = ids(three)
    other = tmp_path / "other"
    (other / "videos").mkdir(parents=True)
    rows = [("z.mp4", "cups", "press", "val", "", ""), ("a.MP4", *GOOD[1:])]
    shutil.copy(clips[0], other / "videos" / "a.MP4")
    shutil.copy(clips[1], other / "videos" / "z.mp4")
    write_tasks(other, rows)
    assert ids(other) < before
    write_tasks(other, [rows[0], ("a.MP4", "saucers", *GOOD[2:])])
    assert len(ids(other) & before) == 1
    shutil.copy(clips[2], other / "videos" / "z.mp4")
    assert not ids(other) & before


@pytest.fixture
def decoded(monkeypatch):
    """Names of the files decoded so far."""
    names, read = [], frames_of.read

    def recorded(path, *arguments):
        names.append(path.name)
        return read(path, *arguments)

    monkeypatch.setattr(frames_of, "read", recorded)
    return names


def test_an_interrupted_import_goes_on(three, tmp_path, monkeypatch, capsys, decoded):
    command = ["import_videos", str(three), f"--out={tmp_path / 'out'}"]
    recorded = frames_of.read

    def interrupted(path, *arguments):
        if path.name == "2.mp4":
            raise KeyboardInterrupt
        return recorded(path, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(frames_of, "read", interrupted)
        with pytest.raises(SystemExit) as ended:
            cli.main(command)
    assert ended.value.code == 130
    assert "rerun the command to resume" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("wtl_human_videos/*"))
    with pytest.raises(SystemExit) as ended:
        cli.main(command)
    assert ended.value.code == 0
    assert decoded == ["good.mp4", "1.mp4", "2.mp4"]
    path = tmp_path / "out" / "wtl_human_videos" / "1.0.0"
    assert str(path) in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        cli.main(["verify", str(path.parent)])
    assert ended.value.code == 0
    whole = import_videos.import_videos(three, tmp_path / "whole")
    assert checksums.fingerprint(path) == checksums.fingerprint(whole)
    provenance = json.loads((path / "provenance.json").read_text())
    assert provenance["versions"]["numpy"] == np.__version__


def test_what_was_in_order_is_not_decoded_again(three, clips, tmp_path, decoded):
    truncated(three / "videos" / "1.mp4", clips)
    assert len(faults_of(three, tmp_path / "out")) == 1
    assert len(decoded) == 3
    shutil.copy(clips[1], three / "videos" / "1.mp4")
    path = import_videos.import_videos(three, tmp_path / "out")
    assert decoded[3:] == ["1.mp4"]
    whole = import_videos.import_videos(three, tmp_path / "whole")
    assert checksums.fingerprint(path) == checksums.fingerprint(whole)


@pytest.mark.parametrize("change", ["row", "file", "pixels"])
def test_what_is_staged_of_other_videos_is_dropped(three, clips, tmp_path, change):
    truncated(three / "videos" / "1.mp4", clips)
    assert faults_of(three, tmp_path / "out")
    shutil.copy(clips[1], three / "videos" / "1.mp4")
    pixels = 64
    if change == "row":
        text = (three / "tasks.csv").read_text()
        (three / "tasks.csv").write_text(text.replace("anna", "carl"))
    elif change == "file":
        shutil.copy(clips[3], three / "videos" / "good.mp4")
    else:
        pixels = 32
    path = import_videos.import_videos(three, tmp_path / "out", pixels=pixels)
    whole = import_videos.import_videos(three, tmp_path / "whole", pixels=pixels)
    assert checksums.fingerprint(path) == checksums.fingerprint(whole)


def test_versions(three, tmp_path, decoded):
    root = tmp_path / "out"
    first = import_videos.import_videos(three, root)
    lines = (three / "tasks.csv").read_text().splitlines()
    (three / "tasks.csv").write_text("\n".join([lines[0], *lines[:0:-1]]))
    assert import_videos.import_videos(three, root) == first
    assert len(decoded) == 3
    assert import_videos.import_videos(three, root, pixels=32).name == "2.0.0"
    (three / "LICENSE").write_text("CC BY 4.0")
    last = import_videos.import_videos(three, root, pixels=32)
    assert last.name == "3.0.0" and verify.verify(last) == []
    assert "All rights reserved" in (first / "LICENSE").read_text()
    assert "CC BY 4.0" in (last / "LICENSE").read_text()
    assert not list(root.glob(".wtl_human_videos/staged*"))


def test_refusals(three, tmp_path):
    for pixels in (7, 513):
        with pytest.raises(UserError, match=f"pixels {pixels} is not from 8 to 512"):
            import_videos.import_videos(three, tmp_path, pixels=pixels)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file/out cannot be written"):
        import_videos.import_videos(three, tmp_path / "file" / "out")
    (tmp_path / "out" / ".wtl_human_videos").mkdir(parents=True)
    lock = ShardLock(tmp_path / "out" / ".wtl_human_videos" / "lock", "it")
    with pytest.raises(DatasetLockedError, match="wtl_human_videos is being written"):
        import_videos.import_videos(three, tmp_path / "out")
    lock.release()
    with pytest.raises(TasksError, match="there is no"):
        import_videos.import_videos(tmp_path / "nowhere", tmp_path / "out")


def _builder(folder, root, **config):
    config = builders.VideosConfig(name="test", source=str(folder), **config)
    return builders.Builder(data_dir=root, config=config)


@pytest.mark.slow
def test_tfds_builds_the_same_dataset(three, clips, tmp_path):
    builder = _builder(three, tmp_path / "built", pixels=32)
    assert "All rights reserved" in builder.info.redistribution_info.license
    builder.download_and_prepare()
    imported = import_videos.import_videos(three, tmp_path / "out", pixels=32)
    found, expected = (
        sorted(encode(e) for e in reader.iterate_episodes(path))
        for path in (builder.data_dir, imported)
    )
    assert found == expected
    truncated(three / "videos" / "1.mp4", clips)
    broken = _builder(three, tmp_path / "broken", pixels=32)
    with pytest.raises(
        video_folder.VideosError, match=r"line 3: videos/1.mp4 .*cut off"
    ):
        broken.download_and_prepare()
    assert not list((tmp_path / "broken").rglob("features.json"))


def test_the_builder_tells_faults_before_it_builds(three, tmp_path):
    write_tasks(three, [(*GOOD[:3], "dev", *GOOD[4:])])
    builder = _builder(three, tmp_path / "built")
    with pytest.raises(video_folder.VideosError, match="line 2: split 'dev'"):
        builder.download_and_prepare()
