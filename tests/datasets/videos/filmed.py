"""Folders of filmed videos, in order or not."""

import csv

import pytest

from wtl.datasets.contract.errors import UserError
from wtl.datasets.videos import import_videos

COLUMNS = ("video", "task_id", "family", "split", "object_set", "person")
FAMILIES = ("press", "grasp")
GOOD = ("good.mp4", "cups", "press", "train", "set1", "anna")


def write_tasks(folder, rows, columns=COLUMNS):
    """Write the table of a folder."""
    with open(folder / "tasks.csv", "w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def faults_of(folder, root) -> list[str]:
    """Return the faults of an import, which must publish nothing."""
    with pytest.raises(UserError) as caught:
        import_videos.import_videos(folder, root, families=FAMILIES)
    assert not list(root.glob("wtl_human_videos/*"))
    faults = getattr(caught.value, "faults", [str(caught.value)])
    assert all("\n" not in fault for fault in faults)
    return faults


def truncated(path, clips):
    """Write the first half of a clip."""
    whole = clips[3].read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
