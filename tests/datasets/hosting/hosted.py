"""A published version to be hosted, and looks at its files."""

import pathlib

from wtl.datasets.contract import fields
from wtl.datasets.storage import checksums, publish
from wtl.datasets.storage.staging import StagingWriter
from wtl.datasets.testing.fakes import SPEC, fake_episode

NAME, VERSION = fields.WTL_DEMOS, "1.0.0"
PLACE = f"{NAME}/{VERSION}"


def make(root, first=0) -> pathlib.Path:
    """Publish a version of fake episodes; return its folder."""
    episodes = [
        fake_episode(first + i, transitions=40, split=("train", "test")[i % 2])
        for i in range(8)
    ]
    with StagingWriter(root / "staged", SPEC) as writer:
        writer.append(episodes)
    return publish.publish(
        root / "staged", root, NAME, VERSION, SPEC, {}, shard_bytes=10_000
    )


def contents(folder):
    """Return the bytes of each file by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def shards(folder) -> list[pathlib.Path]:
    """Return the shard files of a version."""
    return sorted(folder.glob("*.tfrecord-*"))


def size_of(folder) -> int:
    """Return the bytes of a version."""
    return sum(entry.size for entry in checksums.read(folder).values())
