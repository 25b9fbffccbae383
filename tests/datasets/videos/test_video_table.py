"""Folders of real videos that are not in order: a list of all that is wrong."""

import os
import re
import shutil

import numpy as np
import pytest
from fake_videos import film, numbered

from tests.datasets.videos.filmed import (
    COLUMNS,
    GOOD,
    faults_of,
    truncated,
    write_tasks,
)
from wtl.commands import cli


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
    return {**dict(zip(COLUMNS, ("bad.mp4", *GOOD[1:]))), **changes}


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
        (truncated, {}, "videos/bad.mp4 .*cut off"),
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
    write_tasks(
        folder,
        [[dict(zip(COLUMNS, GOOD)).get(name, "") for name in bad], bad.values()],
        bad,
    )
    (fault,) = faults_of(folder, tmp_path / "out")
    assert fault.startswith(f"{folder / 'tasks.csv'} line 3: ")
    assert re.search(message, fault), fault


def test_the_same_video_under_two_names_is_a_fault(folder, clips, tmp_path):
    shutil.copy(clips[0], folder / "videos" / "bad.mp4")
    write_tasks(folder, [GOOD, ("bad.mp4", "balls", *GOOD[2:])])
    (fault,) = faults_of(folder, tmp_path / "out")
    assert "tasks.csv line 3: its video is that of line 2 again" in fault


def test_escapes_in_names_are_printed_escaped(folder, clips, tmp_path, capsys):
    shutil.copy(clips[1], folder / "videos" / "\x1b[2J.mp4")
    with pytest.raises(SystemExit):
        cli.main(["import_videos", str(folder), f"--out={tmp_path / 'out'}"])
    said = capsys.readouterr().err
    assert "\\x1b[2J.mp4" in said and "\x1b[2J" not in said


def test_a_video_without_a_line_is_a_fault(folder, clips, tmp_path):
    shutil.copy(clips[1], folder / "videos" / "extra.MP4")
    (fault,) = faults_of(folder, tmp_path / "out")
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
    (fault,) = faults_of(folder, tmp_path / "out")
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
    (fault,) = faults_of(folder, tmp_path / "out")
    assert re.search(f"{name} is (no regular file|a link that leads out)", fault)


def test_a_folder_without_videos_is_named(folder, tmp_path):
    shutil.rmtree(folder / "videos")
    (fault,) = faults_of(folder, tmp_path / "out")
    assert f"there is no folder {folder / 'videos'}" in fault


def test_all_faults_are_told_at_once_up_to_ten(three, clips, tmp_path, capsys):
    rows = [
        GOOD,
        ("1.mp4", "cups", "press", "nonsense", "", ""),
        ("2.mp4", "balls", "grasp", "train", "set2", "ben"),
        ("none.mp4", *GOOD[1:]),
    ]
    write_tasks(three, rows)
    truncated(three / "videos" / "2.mp4", clips)
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
    assert len(faults_of(three, tmp_path / "out")) == 3
    write_tasks(three, rows + [(f"none{i}.mp4", *GOOD[1:]) for i in range(20)])
    assert len(faults_of(three, tmp_path / "out")) == 10
