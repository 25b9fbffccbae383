"""Folders of filmed videos."""

import shutil

import numpy as np
import pytest
from fake_videos import film, numbered

from tests.datasets.videos.filmed import GOOD, write_tasks


@pytest.fixture(scope="session")
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


@pytest.fixture
def folder(tmp_path, clips):
    """A folder with the video of line 2 in order."""
    path = tmp_path / "filmed"
    (path / "videos").mkdir(parents=True)
    shutil.copy(clips[0], path / "videos" / "good.mp4")
    write_tasks(path, [GOOD])
    return path


@pytest.fixture
def three(folder, clips):
    """A folder with three videos in order."""
    for number in (1, 2):
        shutil.copy(clips[number], folder / "videos" / f"{number}.mp4")
    rows = [
        GOOD,
        ("1.mp4", "cups", "press", "val", "", ""),
        ("2.mp4", "balls", "grasp", "train", "set2", "ben"),
    ]
    write_tasks(folder, rows)
    return folder
