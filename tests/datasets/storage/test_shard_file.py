"""Shard files arrive whole or not at all."""

import pathlib

import pytest

from wtl.datasets.storage import shard_file


def _only(folder) -> pathlib.Path:
    (path,) = folder.iterdir()
    return path


@pytest.mark.parametrize("payloads", [[], [b"one"], [b"one", b"", b"three" * 99]])
def test_a_shard_file_brings_what_was_sent(payloads, tmp_path):
    shard_file.write(tmp_path / "made", "shard", payloads)
    path = _only(tmp_path / "made")
    assert path.match(shard_file.PATTERN)
    assert [bytes(p) for p in shard_file.read(path)] == payloads


def test_a_repeated_shard_file_replaces_itself(tmp_path):
    for _ in range(2):
        shard_file.write(tmp_path, "shard", [b"one"])
    assert [bytes(p) for p in shard_file.read(_only(tmp_path))] == [b"one"]


def test_every_damage_and_every_cut_is_found(tmp_path):
    shard_file.write(tmp_path, "shard", [b"one", b"two"])
    path = _only(tmp_path)
    whole = path.read_bytes()
    first = len(whole) - len(whole[whole.index(b"two") - 12 :])
    damaged = [whole[:end] for end in range(len(whole))]
    damaged += [
        whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        for at in range(len(whole))
    ]
    # A whole record is lost, or there twice.
    damaged += [whole[first:], whole[:first] + whole]
    for data in damaged:
        path.write_bytes(data)
        try:
            found = shard_file.read(path)
        except shard_file.ShardFileError:
            continue
        # Frames carry checksums of payloads, which the digest makes superfluous.
        assert [bytes(p) for p in found] == [b"one", b"two"]


def test_a_shard_file_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError("full")

    monkeypatch.setattr(shard_file.os, "fsync", full)
    with pytest.raises(OSError, match="full"):
        shard_file.write(tmp_path, "shard", [b"one"])
    assert not list(tmp_path.iterdir())
