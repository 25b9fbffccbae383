"""Only regular files of a folder are read."""

import os

import pytest

from wtl.datasets.contract import regular_file


@pytest.fixture(name="folder")
def _folder(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "outside").write_text("secret")
    (folder / "file").write_text("text")
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("file")
    (folder / "out").symlink_to(tmp_path / "outside")
    (folder / "device").symlink_to("/dev/zero")
    (folder / "loop").symlink_to("loop")
    return folder


@pytest.mark.parametrize("name", ["file", "link"])
def test_regular_file_is_opened(folder, name):
    assert regular_file.fault(folder / name, folder) is None
    with regular_file.open_regular(folder / name) as file:
        assert file.read() == b"text"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pipe", "no regular file"),
        ("out", "leads out"),
        ("device", "leads out"),
        ("loop", "cannot be opened"),
        ("nothing", "missing"),
    ],
)
def test_other_files_are_faults(folder, name, words):
    assert words in regular_file.fault(folder / name, folder)


@pytest.mark.parametrize("name", ["pipe", "device", "."])
def test_other_files_are_not_opened(folder, name):
    with pytest.raises(OSError, match="no regular file"):
        regular_file.open_regular(folder / name)
