"""Folders of real videos: into a dataset, or a list of all that is wrong."""

import csv
import json
import os
import re
import shutil

import numpy as np
import pytest
import tensorflow_datasets as tfds
from fake_videos import film, number_of, numbered

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

_COLUMNS = ("video", "task_id", "family", "split", "object_set", "person")
_FAMILIES = ("press", "grasp")
_GOOD = ("good.mp4", "cups", "press", "train", "set1", "anna")


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Paths of four clips of different content."""
    folder = tmp_path_factory.mktemp("clips")
    for number in range(4):
        film(
            folder / f"{number}.mp4",
            [numbered(10 * number + i) for i in range(12)],
            np.arange(12) / 10,
        )
    return [folder / f"{number}.mp4" for number in range(4)]


def _write_tasks(folder, rows, columns=_COLUMNS):
    with open(folder / "tasks.csv", "w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


@pytest.fixture
def folder(tmp_path, clips):
    """A folder with the video of line 2 in order."""
    path = tmp_path / "filmed"
    (path / "videos").mkdir(parents=True)
    shutil.copy(clips[0], path / "videos" / "good.mp4")
    _write_tasks(path, [_GOOD])
    return path


@pytest.fixture
def three(folder, clips):
    """A folder with three videos in order."""
    for number in (1, 2):
        shutil.copy(clips[number], folder / "videos" / f"{number}.mp4")
    rows = [
        _GOOD,
        ("1.mp4", "cups", "press", "val", "", ""),
        ("2.mp4", "balls", "grasp", "train", "set2", "ben"),
    ]
    _write_tasks(folder, rows)
    return folder


def _faults(folder, root) -> list[str]:
    """Faults of an import, which must publish nothing."""
    with pytest.raises(UserError) as caught:
        import_videos.import_videos(folder, root, families=_FAMILIES)
    assert not list(root.glob("wtl_human_videos/*"))
    faults = getattr(caught.value, "faults", [str(caught.value)])
    assert all("\n" not in fault for fault in faults)
    return faults


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
    rows = [("z.mp4", "cups", "press", "val", "", ""), ("a.MP4", *_GOOD[1:])]
    shutil.copy(clips[0], other / "videos" / "a.MP4")
    shutil.copy(clips[1], other / "videos" / "z.mp4")
    _write_tasks(other, rows)
    assert ids(other) < before
    _write_tasks(other, [rows[0], ("a.MP4", "saucers", *_GOOD[2:])])
    assert len(ids(other) & before) == 1
    shutil.copy(clips[2], other / "videos" / "z.mp4")
    assert not ids(other) & before


def _truncated(path, clips):
    whole = clips[3].read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def _sparse(path, clips):
    with open(path, "wb") as file:
        file.truncate((512 << 20) + 1)


def _link_out(path, clips):
    path.symlink_to(clips[3])


def _loop(path, clips):
    path.symlink_to(path)


def _long(path, clips):
    small = [numbered(0, 32, 32)] * 62
    film(path, small, np.arange(62))


def _wide(path, clips):
    film(path, [np.zeros((16, 4112, 3), np.uint8)] * 9, np.arange(9), codec="mpeg4")


def _row(**changes):
    return {**dict(zip(_COLUMNS, ("bad.mp4", *_GOOD[1:]))), **changes}


def _write(content):
    return lambda path, clips: path.write_bytes(content)


def _copy(path, clips):
    shutil.copy(clips[3], path)


def _nothing(path, clips):
    pass


@pytest.mark.parametrize(
    ("make", "changes", "message"),
    [
        (_nothing, {}, "videos/bad.mp4 is missing"),
        (_write(b""), {}, "videos/bad.mp4 is empty"),
        (_write(b"no video" * 99), {}, "videos/bad.mp4 cannot be decoded"),
        (_truncated, {}, "videos/bad.mp4 .*cut off"),
        (_sparse, {}, "videos/bad.mp4 has 513 MiB; at most 512"),
        (_wide, {}, "videos/bad.mp4 has 4112 × 16 pixels; at most 4096"),
        (_long, {}, "videos/bad.mp4 lasts more than 60 s"),
        (_copy, {"start_s": "0.9"}, "videos/bad.mp4 is too short: 3 frames"),
        (lambda path, _: path.mkdir(), {}, "videos/bad.mp4 is no regular file"),
        (lambda path, _: os.mkfifo(path), {}, "videos/bad.mp4 is no regular file"),
        (_link_out, {}, "videos/bad.mp4 is a link that leads out"),
        (_loop, {}, "videos/bad.mp4 cannot be opened"),
        (_copy, {"task_id": " "}, "task_id is empty"),
        (_copy, {"family": "grab"}, "family 'grab' is none of press, grasp"),
        (_copy, {"family": ""}, "family is empty"),
        (_copy, {"split": "dev"}, "split 'dev' is none of train, val, test"),
        (_copy, {"start_s": "1,5"}, "start_s '1,5' is not a time in seconds"),
        (_copy, {"start_s": "-1"}, "start_s '-1' is not a time"),
        (_copy, {"end_s": "nan"}, "end_s 'nan' is not a time"),
        (_copy, {"start_s": "2", "end_s": "1"}, "end_s 1 is not after start_s 2"),
        (_copy, {"success": "perhaps"}, "success 'perhaps' is neither true nor"),
        (_nothing, {"video": ""}, "video '' is not the name of an .mp4 or .mov"),
        (_nothing, {"video": "bad.avi"}, "'bad.avi' is not the name of an .mp4"),
        (_nothing, {"video": "../tasks.csv"}, "must be the name of a file in videos/"),
        (_nothing, {"video": "../x.mp4"}, "must be the name of a file in videos/"),
        (_nothing, {"video": "/etc/x.mp4"}, "must be the name of a file in videos/"),
        (_nothing, {"video": "a\\x.mp4"}, "must be the name of a file in videos/"),
        (_nothing, {"video": "x" * 300 + ".mp4"}, "File name too long"),
        (_nothing, {"video": "good.mp4"}, "its video is that of line 2 again"),
    ],
)
def test_a_faulty_row_is_named(folder, clips, tmp_path, make, changes, message):
    make(folder / "videos" / "bad.mp4", clips)
    bad = _row(**changes)
    _write_tasks(
        folder,
        [[dict(zip(_COLUMNS, _GOOD)).get(name, "") for name in bad], bad.values()],
        bad,
    )
    (fault,) = _faults(folder, tmp_path / "out")
    assert fault.startswith(f"{folder / 'tasks.csv'} line 3: ")
    assert re.search(message, fault), fault


def test_the_same_video_under_two_names_is_a_fault(folder, clips, tmp_path):
    shutil.copy(clips[0], folder / "videos" / "bad.mp4")
    _write_tasks(folder, [_GOOD, ("bad.mp4", "balls", *_GOOD[2:])])
    (fault,) = _faults(folder, tmp_path / "out")
    assert "tasks.csv line 3: its video is that of line 2 again" in fault


def test_escapes_in_names_are_printed_escaped(folder, clips, tmp_path, capsys):
    shutil.copy(clips[1], folder / "videos" / "\x1b[2J.mp4")
    with pytest.raises(SystemExit):
        cli.main(["import_videos", str(folder), f"--out={tmp_path / 'out'}"])
    said = capsys.readouterr().err
    assert "\\x1b[2J.mp4" in said and "\x1b[2J" not in said


def test_a_video_without_a_line_is_a_fault(folder, clips, tmp_path):
    shutil.copy(clips[1], folder / "videos" / "extra.MP4")
    (fault,) = _faults(folder, tmp_path / "out")
    assert "tasks.csv: no line for videos/extra.MP4; add one or take" in fault


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            None,
            r"there is no .*tasks.csv; its first line .* video,task_id,family,split",
        ),
        (b"", "line 1: column 'video' is missing"),
        (b"video,task_id,family\n", "line 1: column 'split' is missing"),
        (
            b"video,task_id,family,split,colour\n",
            "line 1: unknown column 'colour'; known are video, task_id, .*, success",
        ),
        (b"video;task_id;family;split\n", "line 1: unknown column 'video;task_id"),
        (
            b"video,video,task_id,family,split\n",
            "line 1: column 'video' is there twice",
        ),
        (b"video,task_id,family,split\n\n", "names no video"),
        (b"video,task_id,family,split\n\xff\n", "is not UTF-8 text"),
        (
            b'video,task_id,family,split\ngood.mp4,"a,press,train\n',
            "line 2: unexpected",
        ),
        (
            b"video,task_id,family,split\ngood.mp4,a,press\n",
            "line 2: it has 3 cells for 4",
        ),
    ],
)
def test_a_table_that_is_none_is_named(folder, tmp_path, content, message):
    (folder / "tasks.csv").unlink()
    if content is not None:
        (folder / "tasks.csv").write_bytes(content)
    (fault,) = _faults(folder, tmp_path / "out")
    assert str(folder / "tasks.csv") in fault and re.search(message, fault), fault


@pytest.mark.parametrize("name", ["LICENSE", "tasks.csv"])
@pytest.mark.parametrize("kind", ["pipe", "device", "link"])
def test_other_files_of_the_folder_are_regular_too(folder, tmp_path, name, kind):
    (folder / name).unlink(missing_ok=True)
    (tmp_path / "secret").write_text("secret")
    if kind == "pipe":
        os.mkfifo(folder / name)
    else:
        leads = {"device": "/dev/zero", "link": tmp_path / "secret"}[kind]
        (folder / name).symlink_to(leads)
    (fault,) = _faults(folder, tmp_path / "out")
    assert re.search(f"{name} is (no regular file|a link that leads out)", fault)


def test_a_folder_without_videos_is_named(folder, tmp_path):
    shutil.rmtree(folder / "videos")
    (fault,) = _faults(folder, tmp_path / "out")
    assert f"there is no folder {folder / 'videos'}" in fault


def test_all_faults_are_told_at_once_up_to_ten(three, clips, tmp_path, capsys):
    rows = [
        _GOOD,
        ("1.mp4", "cups", "press", "nonsense", "", ""),
        ("2.mp4", "balls", "grasp", "train", "set2", "ben"),
        ("none.mp4", *_GOOD[1:]),
    ]
    _write_tasks(three, rows)
    _truncated(three / "videos" / "2.mp4", clips)
    with pytest.raises(SystemExit) as ended:
        cli.main(["import_videos", str(three), f"--out={tmp_path / 'out'}"])
    assert ended.value.code == 1
    said = capsys.readouterr().err
    for line, fault in (
        (3, "split 'nonsense'"),
        (4, "videos/2.mp4"),
        (5, "is missing"),
    ):
        assert re.search(rf"wtl: \S*tasks.csv line {line}: .*{fault}", said)
    assert "nothing is published" in said and "Traceback" not in said
    assert len(_faults(three, tmp_path / "out")) == 3
    _write_tasks(three, rows + [(f"none{i}.mp4", *_GOOD[1:]) for i in range(20)])
    assert len(_faults(three, tmp_path / "out")) == 10


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
    _truncated(three / "videos" / "1.mp4", clips)
    assert len(_faults(three, tmp_path / "out")) == 1
    assert len(decoded) == 3
    shutil.copy(clips[1], three / "videos" / "1.mp4")
    path = import_videos.import_videos(three, tmp_path / "out")
    assert decoded[3:] == ["1.mp4"]
    whole = import_videos.import_videos(three, tmp_path / "whole")
    assert checksums.fingerprint(path) == checksums.fingerprint(whole)


@pytest.mark.parametrize("change", ["row", "file", "pixels"])
def test_what_is_staged_of_other_videos_is_dropped(three, clips, tmp_path, change):
    _truncated(three / "videos" / "1.mp4", clips)
    assert _faults(three, tmp_path / "out")
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
    _truncated(three / "videos" / "1.mp4", clips)
    broken = _builder(three, tmp_path / "broken", pixels=32)
    with pytest.raises(
        video_folder.VideosError, match=r"line 3: videos/1.mp4 .*cut off"
    ):
        broken.download_and_prepare()
    assert not list((tmp_path / "broken").rglob("features.json"))


def test_the_builder_tells_faults_before_it_builds(three, tmp_path):
    _write_tasks(three, [(*_GOOD[:3], "dev", *_GOOD[4:])])
    builder = _builder(three, tmp_path / "built")
    with pytest.raises(video_folder.VideosError, match="line 2: split 'dev'"):
        builder.download_and_prepare()
