"""Killed collectors and failing disks lose nothing that was acknowledged."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from wtl.datasets.format import tfrecord
from wtl.datasets.format.decoding import decode
from wtl.datasets.storage.files import map_file
from wtl.datasets.storage.staging import StagingError, StagingWriter
from wtl.datasets.testing.fakes import SPEC, fake_episode

_ROOT = pathlib.Path(__file__).resolve().parents[3]
_SHARD = "staged-00000.tfrecord"
_KILLS = 60

# Forks collectors and kills them, so that the imports are paid for once.
_KILLER = """
import json, os, random, signal, sys, time
from wtl.datasets.testing.fakes import SPEC, fake_episode
from wtl.datasets.storage.staging import StagingWriter

def collect(folder, said):
    writer = StagingWriter(folder, SPEC)
    known = len(writer.episode_ids)
    for index in range(max(known - 3, 0), 1_000_000):
        episode = fake_episode(index, transitions=30)
        if writer.append(episode):
            os.write(said, (episode.id + "\\n").encode())

folder, seed, kills = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(seed)
acknowledged, productive = [], 0
for number in range(kills):
    heard, said = os.pipe()
    child = os.fork()
    if not child:
        collect(folder, said)
    os.close(said)
    # Every other one is let come to its first episode, however busy the machine.
    first = os.read(heard, 1) if number % 2 else b""
    time.sleep(rng.uniform(0, 0.04))
    os.kill(child, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    with os.fdopen(heard) as file:
        new = (first.decode() + file.read()).split()
    acknowledged += new
    productive += bool(new)
    with StagingWriter(folder, SPEC) as writer:
        lost = set(acknowledged) - writer.episode_ids
        assert not lost, lost
print(json.dumps({"acknowledged": acknowledged, "productive": productive}))
"""


def _ids(path: pathlib.Path) -> list[str]:
    records = list(tfrecord.scan(map_file(path)))
    assert all(record.sound for record in records)
    return [decode(record.payload, SPEC).id for record in records]


def test_collectors_killed_at_random_times_lose_and_double_nothing(tmp_path):
    seed = int.from_bytes(os.urandom(4), "big")
    print("seed", seed)
    ran = subprocess.run(
        [sys.executable, "-c", _KILLER, str(tmp_path), str(seed), str(_KILLS)],
        cwd=_ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["productive"] >= _KILLS // 2
    staged = _ids(tmp_path / _SHARD)
    assert len(staged) == len(set(staged))
    assert set(found["acknowledged"]) <= set(staged)
    # Collectors take indices in order, so there is no gap either.
    assert staged == [fake_episode(i, transitions=30).id for i in range(len(staged))]
    assert not list(tmp_path.glob("*.damaged-*"))


class _Disk:
    """Lets one call that changes the disk fail, or that one and all after it.

    Attributes:
      calls: names of the calls so far.
    """

    _CALLS = ("write", "fsync", "ftruncate", "truncate", "replace", "rename", "link")

    def __init__(self, failing: int, for_good: bool, torn: bool):
        self.calls: list[str] = []
        self._failing, self._for_good, self._torn = failing, for_good, torn

    def install(self, patch):
        for name in self._CALLS:
            patch.setattr(os, name, self._faulty(name, getattr(os, name)))

    def _faulty(self, name, real):
        def call(*args):
            number = len(self.calls)
            self.calls.append(name)
            if number == self._failing or (self._for_good and number > self._failing):
                if name == "write" and self._torn:
                    real(args[0], bytes(args[1])[: len(args[1]) // 2])
                raise OSError(28, os.strerror(28))
            return real(*args)

        return call


def _collect(folder, acknowledged: set[str]):
    """Six episodes by two writers; the second finds a torn record and a damaged one."""
    with StagingWriter(folder, SPEC) as writer:
        for index in range(4):
            writer.append(fake_episode(index))
            acknowledged.add(fake_episode(index).id)
    path = folder / _SHARD
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    acknowledged.discard(fake_episode(0).id)  # The disk itself lost it.
    path.write_bytes(data + data[:70])
    with StagingWriter(folder, SPEC) as writer:
        for index in range(1, 6):
            writer.append(fake_episode(index))
            acknowledged.add(fake_episode(index).id)


@pytest.mark.parametrize("torn", [False, True], ids=["whole", "torn"])
@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
def test_a_disk_that_fails_at_any_call_loses_nothing(
    tmp_path, monkeypatch, for_good, torn
):
    seen = set()
    for failing in range(1000):
        folder = tmp_path / str(failing)
        acknowledged: set[str] = set()
        disk = _Disk(failing, for_good, torn)
        with monkeypatch.context() as patch:
            disk.install(patch)
            try:
                _collect(folder, acknowledged)
            except StagingError as error:
                assert "\n" not in str(error)
        if len(disk.calls) <= failing:
            break  # Nothing failed any more.
        seen.add(disk.calls[failing])
        with StagingWriter(folder, SPEC) as writer:
            assert writer.episode_ids >= acknowledged, (failing, disk.calls)
            writer.append([fake_episode(i) for i in range(6)])
        staged = _ids(folder / _SHARD)
        assert sorted(staged) == sorted(fake_episode(i).id for i in range(6))
    assert failing > 12
    assert seen >= {"write", "fsync", "ftruncate", "replace", "link"}
