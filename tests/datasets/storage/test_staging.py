"""Staged episodes survive what may happen to the process and to the disk."""

import errno
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

from wtl.datasets.contract.episode import EpisodeError, EpisodeSpec
from wtl.datasets.contract.observation import observed
from wtl.datasets.format import tfrecord
from wtl.datasets.format.decoding import decode
from wtl.datasets.format.encoding import encode
from wtl.datasets.storage import staging
from wtl.datasets.storage.files import map_file
from wtl.datasets.storage.shard_lock import DatasetLockedError
from wtl.datasets.storage.staging import StagingError, StagingWriter
from wtl.datasets.testing.fakes import SPEC, fake_episode

_ROOT = pathlib.Path(__file__).resolve().parents[3]
_SHARD = "staged-00000.tfrecord"


def _ids(path: pathlib.Path) -> list[str]:
    records = list(tfrecord.scan(map_file(path)))
    assert all(record.sound for record in records)
    return [decode(record.payload, SPEC).id for record in records]


def test_appended_episodes_come_back(tmp_path):
    episodes = [fake_episode(i, transitions=3 + i) for i in range(5)]
    with StagingWriter(tmp_path / "new" / "folder", SPEC) as writer:
        assert writer.append(episodes[0]) == 1
        assert writer.append(iter(episodes[1:])) == 4
        assert writer.episode_ids == {episode.id for episode in episodes}
    found = list(staging.iterate_staged(tmp_path / "new" / "folder"))
    assert [encode(e) for e in found] == [encode(e) for e in episodes]


def test_some_of_the_episodes_are_read_again(tmp_path):
    with StagingWriter(tmp_path, SPEC) as writer:
        writer.append([fake_episode(i) for i in range(5)])
    wanted = {fake_episode(i).id for i in (1, 3)} | {"unheard of"}
    found = list(staging.iterate_staged(tmp_path, wanted))
    assert [encode(e) for e in found] == [encode(fake_episode(i)) for i in (1, 3)]


def test_a_resumed_writer_passes_over_what_is_there(tmp_path):
    with StagingWriter(tmp_path, SPEC) as writer:
        writer.append([fake_episode(0), fake_episode(1)])
    with StagingWriter(tmp_path, SPEC) as writer:
        assert writer.episode_ids == {fake_episode(i).id for i in range(2)}
        assert writer.append([fake_episode(1), fake_episode(2), fake_episode(2)]) == 1
    assert _ids(tmp_path / _SHARD) == [fake_episode(i).id for i in range(3)]


def test_an_id_names_one_episode(tmp_path):
    other = fake_episode(7, episode_id=fake_episode(0).id, task_id="set0000-lift")
    with StagingWriter(tmp_path, SPEC) as writer:
        writer.append(fake_episode(0))
        with pytest.raises(StagingError, match="another episode with id"):
            writer.append([fake_episode(3), other])
        assert writer.append(fake_episode(3)) == 1


def test_a_broken_episode_stages_nothing(tmp_path):
    broken = fake_episode(1)
    broken.steps["action"][0] = 2
    with StagingWriter(tmp_path, SPEC) as writer:
        with pytest.raises(EpisodeError, match="outside"):
            writer.append([fake_episode(0), broken])
        assert not writer.episode_ids
    assert _ids(tmp_path / _SHARD) == []


def test_append_returns_only_after_a_sync(tmp_path, monkeypatch):
    with StagingWriter(tmp_path, SPEC) as writer:
        synced = []

        def fsync(fd):
            synced.append(os.fstat(fd).st_size)

        monkeypatch.setattr(os, "fsync", fsync)
        writer.append([fake_episode(0), fake_episode(1)])
    assert synced == [(tmp_path / _SHARD).stat().st_size]


def test_what_is_retracted_is_gone_for_good(tmp_path, monkeypatch):
    episodes = [fake_episode(i) for i in range(3)]
    with StagingWriter(tmp_path, SPEC) as writer:
        assert writer.retract() is None and writer.newest is None
        writer.append(episodes[:2])
        assert writer.newest == episodes[1].id
        synced = []
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", lambda fd: synced.append(fd))
            assert writer.retract() == episodes[1].id
        assert synced
        assert _ids(tmp_path / _SHARD) == [episodes[0].id]
        # Its name is free, also for something else.
        again = fake_episode(1, notes="another")
        assert writer.append([again, episodes[2]]) == 2
    with StagingWriter(tmp_path, SPEC) as writer:
        assert writer.newest == episodes[2].id
        assert writer.retract() == episodes[2].id
        assert writer.retract() == again.id
        assert writer.episode_ids == {episodes[0].id}


def test_a_retraction_that_fails_keeps_the_episode(tmp_path, monkeypatch):
    with StagingWriter(tmp_path, SPEC) as writer:
        writer.append(fake_episode(0))

        def broken(*_):
            raise OSError(errno.EIO, "broken")

        monkeypatch.setattr(os, "ftruncate", broken)
        with pytest.raises(StagingError):
            writer.retract()
        assert writer.episode_ids == {fake_episode(0).id}


def test_another_spec_is_refused(tmp_path):
    StagingWriter(tmp_path, SPEC).close()
    with pytest.raises(StagingError, match="'state': 7 numbers, not 8"):
        StagingWriter(tmp_path, EpisodeSpec(observed(8), 3, 4))


def test_every_cut_of_the_last_record_is_repaired(tmp_path):
    path = tmp_path / _SHARD
    with StagingWriter(tmp_path, SPEC) as writer:
        writer.append(fake_episode(0))
        whole = path.stat().st_size
        writer.append(fake_episode(1))
    data = path.read_bytes()
    cuts = [whole + 1, whole + 11, whole + 12, whole + 13, len(data) - 1]
    cuts += random.Random(0).sample(range(whole + 1, len(data)), 20)
    for cut in cuts:
        path.write_bytes(data[:cut])
        with StagingWriter(tmp_path, SPEC) as writer:
            assert writer.episode_ids == {fake_episode(0).id}
            assert path.stat().st_size == whole
            writer.append(fake_episode(1))
        assert path.read_bytes() == data
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "spec.json",
        "staged-00000.lock",
        _SHARD,
    ]


@pytest.mark.parametrize("where", ["payload", "length", "zeros at the end"])
def test_damage_is_set_aside_and_the_rest_kept(tmp_path, where):
    path = tmp_path / _SHARD
    with StagingWriter(tmp_path, SPEC) as writer:
        writer.append([fake_episode(i) for i in range(3)])
    records = list(tfrecord.scan(map_file(path)))
    data = bytearray(path.read_bytes())
    if where == "payload":
        data[records[1].offset + 40] ^= 1
        kept = {0, 2}
    elif where == "length":
        data[records[1].offset] ^= 1
        kept = {0}
    else:
        data += bytes(100)
        kept = {0, 1, 2}
    path.write_bytes(data)
    with StagingWriter(tmp_path, SPEC) as writer:
        assert writer.episode_ids == {fake_episode(i).id for i in kept}
        writer.append([fake_episode(i) for i in range(3)])
    assert sorted(_ids(path)) == sorted(fake_episode(i).id for i in range(3))
    (aside,) = tmp_path.glob("*.damaged-*")
    assert aside.read_bytes() == data


def test_a_second_writer_is_told_who_has_the_shard(tmp_path):
    with StagingWriter(tmp_path, SPEC):
        with pytest.raises(DatasetLockedError, match=f"process {os.getpid()}"):
            StagingWriter(tmp_path, SPEC)
        code = (
            "import sys; from wtl.datasets.storage.staging import *;"
            "from wtl.datasets.testing.fakes import SPEC;"
            "StagingWriter(sys.argv[1], SPEC)"
        )
        child = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)],
            cwd=_ROOT,
            capture_output=True,
            text=True,
        )
        assert child.returncode == 1
        assert f"is being written by process {os.getpid()}" in child.stderr
    StagingWriter(tmp_path, SPEC).close()


def test_a_forked_worker_does_not_lock_after_its_parent_was_killed(tmp_path):
    code = """
import os, signal, sys, time
from wtl.datasets.testing.fakes import SPEC
from wtl.datasets.storage.staging import StagingWriter
writer = StagingWriter(sys.argv[1], SPEC)
if os.fork() == 0:
    print(os.getpid(), flush=True)
    time.sleep(60)
time.sleep(60)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    worker = int(parent.stdout.readline())
    try:
        with pytest.raises(DatasetLockedError, match=f"process {parent.pid}"):
            StagingWriter(tmp_path, SPEC)
        parent.kill()
        parent.wait()
        os.kill(worker, 0)  # It is still there.
        StagingWriter(tmp_path, SPEC).close()
    finally:
        os.kill(worker, signal.SIGKILL)
        parent.stdout.close()


@pytest.mark.parametrize("at", ["write", "partial write", "fsync"])
def test_a_full_disk_loses_nothing_acknowledged(tmp_path, monkeypatch, at):
    real_write, real_fsync, calls = os.write, os.fsync, []

    def write(fd, data):
        calls.append(at)
        if at == "write" or (at == "partial write" and len(calls) > 1):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_write(fd, bytes(data)[:100] if at == "partial write" else data)

    def fsync(fd):
        if at == "fsync" and len(calls) == 1:
            calls.append("synced")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real_fsync(fd)

    path = tmp_path / _SHARD
    with StagingWriter(tmp_path, SPEC) as writer:
        writer.append(fake_episode(0))
        before = path.read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", write)
            patch.setattr(os, "fsync", fsync)
            with pytest.raises(StagingError, match="the disk is full") as caught:
                writer.append([fake_episode(1), fake_episode(2)])
        assert calls and "\n" not in str(caught.value)
        assert path.read_bytes() == before
        assert writer.episode_ids == {fake_episode(0).id}
        writer.append([fake_episode(1), fake_episode(2)])  # There is space again.
    assert _ids(path) == [fake_episode(i).id for i in range(3)]


def test_an_interrupted_append_stages_nothing(tmp_path, monkeypatch):
    def interrupted(fd):
        raise KeyboardInterrupt

    with StagingWriter(tmp_path, SPEC) as writer:
        writer.append(fake_episode(0))
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", interrupted)
            with pytest.raises(KeyboardInterrupt):
                writer.append(fake_episode(1))
    with StagingWriter(tmp_path, SPEC) as writer:
        assert len(writer.episode_ids) in (1, 2)  # It was never acknowledged.
        writer.append(fake_episode(1))
    assert _ids(tmp_path / _SHARD) == [fake_episode(i).id for i in range(2)]


_COLLECTOR = """
import sys
from wtl.datasets.testing.fakes import SPEC, fake_episode
from wtl.datasets.storage.staging import StagingWriter
writer = StagingWriter(sys.argv[1], SPEC)
for index in range(100_000):
    episode = fake_episode(index, transitions=100)
    if episode.id not in writer.episode_ids:
        writer.append(episode)
        print(episode.id, flush=True)
"""


def test_kill_9_loses_nothing_acknowledged_and_doubles_nothing(tmp_path):
    rng = random.Random(int.from_bytes(os.urandom(4), "big"))
    acknowledged: list[str] = []
    for _ in range(5):
        child = subprocess.Popen(
            [sys.executable, "-c", _COLLECTOR, str(tmp_path)],
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        first = child.stdout.readline()
        time.sleep(rng.uniform(0, 0.15))
        os.kill(child.pid, signal.SIGKILL)
        rest = child.stdout.read()
        assert child.wait() == -signal.SIGKILL
        # What a kill cuts off in the pipe was not read as an acknowledgement.
        acknowledged += (first + rest)[: (first + rest).rfind("\n") + 1].split()
        with StagingWriter(tmp_path, SPEC) as writer:
            assert writer.episode_ids >= set(acknowledged)
    staged = _ids(tmp_path / _SHARD)
    assert len(acknowledged) >= 5
    assert len(staged) == len(set(staged))
    # The collector takes indices in order, so there is no gap either.
    expected = {fake_episode(i, transitions=100).id for i in range(len(staged))}
    assert set(staged) == expected
