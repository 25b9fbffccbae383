"""Edits: kept on disk, published as the next version, the one before untouched."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.observation import observed
from wtl.datasets.curation import edits
from wtl.datasets.curation.edits import DELETED, PendingEdits, parse_edit
from wtl.datasets.format import decoding, images
from wtl.datasets.format.encoding import encode
from wtl.datasets.reading import reader
from wtl.datasets.storage import checksums, publish, verify
from wtl.datasets.storage.location import DatasetDamagedError
from wtl.datasets.storage.shard_lock import DatasetLockedError
from wtl.datasets.storage.staging import StagingWriter
from wtl.datasets.testing.fakes import SPEC, fake_episode

ROOT = pathlib.Path(__file__).resolve().parents[3]


def _published(root, episodes, spec=SPEC, name=fields.WTL_DEMOS):
    with StagingWriter(root / "staged", spec) as writer:
        writer.append(episodes)
    return publish.publish(root / "staged", root / "d", name, "1.0.0", spec, {})


def _tree(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _encoded(version):
    return {
        decoding.episode_id(record.payload): bytes(record.payload)
        for record in reader.iterate_records(version, check=True)
    }


@pytest.fixture
def episodes():
    return [fake_episode(index, success=index % 2 == 0) for index in range(6)]


@pytest.fixture
def version(tmp_path, episodes):
    return _published(tmp_path, episodes)


def test_edits_become_the_next_version_and_change_nothing_else(version, episodes):
    before = _tree(version)
    pending = PendingEdits(version)
    names = [episode.id for episode in episodes]
    pending.change(
        {
            names[0]: {fields.INVALID: True, fields.NOTES: "the cup fell — ✓"},
            names[1]: {fields.SUCCESS: True},
            names[2]: {fields.SUCCESS: False, fields.NOTES: ""},
            names[3]: {DELETED: True},
        }
    )
    made = pending.publish({"commit": "c"})
    assert made.path == version.parent / "2.0.0"
    assert (made.kept, made.seen) == (5, 6)
    assert _tree(version) == before
    assert verify.verify(made.path) == []
    found = {e.id: e for e in reader.iterate_episodes(made.path)}
    assert set(found) == set(names) - {names[3]}
    assert found[names[0]].metadata[fields.NOTES] == "the cup fell — ✓"
    assert found[names[0]].metadata[fields.INVALID] is True
    # The reward of the last transition says the same as the success flag.
    np.testing.assert_array_equal(found[names[1]].steps["reward"], [0, 0, 0, 0, 1, 0])
    np.testing.assert_array_equal(found[names[2]].steps["reward"], np.zeros(6))
    # What is not edited is moved byte for byte, and the rest is as if written anew.
    now, was = _encoded(made.path), _encoded(version)
    for name in (names[4], names[5]):
        assert now[name] == was[name]
    for name in names[:3]:
        assert now[name] == encode(found[name])
    account = json.loads((made.path / fields.PROVENANCE_FILE).read_text())
    assert account["command"] == "view" and account["commit"] == "c"
    assert account["parents"] == [
        {"dataset": "wtl_demos/1.0.0", "fingerprint": checksums.fingerprint(version)}
    ]
    assert account["edits"][names[3]] == {DELETED: True}
    assert "1 deleted" in (made.path / fields.CARD_FILE).read_text()
    # Nothing is pending any more, now and at the next start.
    assert len(pending) == 0 and len(PendingEdits(version)) == 0
    with pytest.raises(UserError, match="no edits"):
        pending.publish({})


def test_a_dense_reward_that_agrees_keeps_its_size(tmp_path):
    episode = fake_episode(0)
    steps = dict(episode.steps)
    steps["reward"] = np.array([0.2, 0.4, 0.6, 0.8, 0.9, 0], np.float32)
    version = _published(tmp_path, [dataclasses.replace(episode, steps=steps)])
    pending = PendingEdits(version)
    pending.change({episode.id: {fields.SUCCESS: True}})
    (found,) = reader.iterate_episodes(pending.publish({}).path)
    np.testing.assert_array_equal(found.steps["reward"], steps["reward"])


def test_images_that_lose_something_are_not_encoded_again(tmp_path):
    spec = dataclasses.replace(
        SPEC, observations=observed(7, 16), image_encoding=images.JPEG
    )
    version = _published(tmp_path, [fake_episode(i, spec) for i in range(2)], spec)
    before = {e.id: e for e in reader.iterate_episodes(version)}
    pending = PendingEdits(version)
    pending.change({name: {fields.NOTES: "x"} for name in before})
    for episode in reader.iterate_episodes(pending.publish({}).path):
        assert (episode.steps["image"] == before[episode.id].steps["image"]).all()


def test_edits_survive_a_restart_and_can_be_taken_back(version, episodes):
    pending = PendingEdits(version)
    one, other = episodes[0].id, episodes[1].id
    pending.change({one: {fields.INVALID: True}, other: {DELETED: True}})
    pending.change({one: {fields.NOTES: "better"}})
    pending.close()
    again = PendingEdits(version)
    assert {name: again.of(name) for name in again} == {
        one: {fields.NOTES: "better"},
        other: {DELETED: True},
    }
    again.change({other: {}})
    again.close()
    assert list(PendingEdits(version)) == [one]
    assert edits.summary([again.of(one)]) == "1 with a note"


def test_an_acknowledged_edit_survives_kill(version, episodes):
    """Editors that are killed at once after an edit, or in the middle of the next."""
    script = (
        "import sys, os\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from wtl.datasets.curation.edits import PendingEdits\n"
        "pending = PendingEdits(sys.argv[1])\n"
        "for n in range(1000):\n"
        "    pending.change({sys.argv[2]: {'notes': str(n)}})\n"
        "    os.write(1, b'%d\\n' % n)\n"
    )
    for lines in (1, 7, 30):
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(version), episodes[0].id],
            stdout=subprocess.PIPE,
        )
        told = [int(process.stdout.readline()) for _ in range(lines)]
        process.kill()
        told += [int(line) for line in process.stdout.read().split(b"\n")[:-1]]
        process.stdout.close()
        process.wait()
        kept = int(PendingEdits(version).of(episodes[0].id)[fields.NOTES])
        # The one that was on its way may have arrived.
        assert kept in (told[-1], told[-1] + 1)


def test_killed_between_publishing_and_forgetting_nothing_is_pending(
    version, episodes, monkeypatch
):
    pending = PendingEdits(version)
    pending.change({episodes[0].id: {DELETED: True}})
    monkeypatch.setattr(pending, "_forget", lambda: None)
    pending.publish({})
    pending.close()
    assert list(version.parent.parent.glob(".*.edits/*.json"))
    assert len(PendingEdits(version)) == 0


def test_two_people_do_not_edit_at_once(version, episodes):
    one, other = PendingEdits(version), PendingEdits(version)
    one.change({episodes[0].id: {fields.INVALID: True}})
    with pytest.raises(DatasetLockedError, match="being written"):
        other.change({episodes[1].id: {fields.INVALID: True}})
    one.close()
    # Who comes next goes on with what is there.
    other.change({episodes[1].id: {fields.INVALID: True}})
    assert list(other) == [episodes[0].id, episodes[1].id]


def test_what_was_made_from_a_deleted_episode_can_not_stay(tmp_path):
    trial = fake_episode(0, role="trial", success=False)
    retrial = fake_episode(1, role="retrial", parent_trial_ids=(trial.id,))
    version = _published(tmp_path, [trial, retrial], name=fields.WTL_TRIALS)
    pending = PendingEdits(version)
    pending.change({trial.id: {DELETED: True}})
    with pytest.raises(UserError, match=f"{retrial.id} was made from {trial.id}"):
        pending.publish({})
    pending.change({retrial.id: {DELETED: True}})
    with pytest.raises(UserError, match="every episode is deleted"):
        pending.publish({})
    assert len(pending) == 2
    assert [p.name for p in version.parent.iterdir()] == ["1.0.0"]


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        {"family": "lift"},
        {"invalid": 1},
        {"success": "true"},
        {"notes": None},
        {"notes": "x" * 10_001},
        {"notes": "\ud800"},
        {"deleted": "yes"},
    ],
)
def test_what_is_no_edit_is_refused(given):
    with pytest.raises(UserError):
        parse_edit(given)


def test_not_deleted_is_no_edit():
    assert parse_edit({DELETED: False}) == {}


def test_edits_that_can_not_be_read_or_written_are_one_clear_error(version, episodes):
    pending = PendingEdits(version)
    pending.change({episodes[0].id: {fields.INVALID: True}})
    pending.close()
    (path,) = version.parent.parent.glob(".*.edits/*.json")
    kept = path.read_text()
    path.write_text(kept[: len(kept) // 2])
    with pytest.raises(UserError, match="move it away"):
        PendingEdits(version)
    path.write_text(kept.replace('"fingerprint": "', '"fingerprint": "0'))
    with pytest.raises(UserError, match="of other episodes"):
        PendingEdits(version)
    path.write_text(kept)
    pending = PendingEdits(version)
    elsewhere = version.rename(version.with_name("copy"))
    with pytest.raises(UserError, match=r"must lie in wtl_demos/1\.0\.0"):
        PendingEdits(elsewhere).change({episodes[0].id: {}})


def test_a_full_disk_loses_no_edit(version, episodes, monkeypatch):
    pending = PendingEdits(version)
    pending.change({episodes[0].id: {fields.INVALID: True}})
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(UserError, match="No space left"):
        pending.change({episodes[1].id: {fields.INVALID: True}})
    monkeypatch.undo()
    assert list(pending) == [episodes[0].id]
    pending.close()
    assert list(PendingEdits(version)) == [episodes[0].id]


def _full(fd):
    raise OSError(28, "No space left on device")


def test_a_damaged_version_is_not_published(version, episodes):
    pending = PendingEdits(version)
    pending.change({episodes[0].id: {fields.INVALID: True}})
    (shard,) = version.glob("*.tfrecord-*")
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    with pytest.raises(DatasetDamagedError, match="wtl verify"):
        pending.publish({})
    assert len(pending) == 1
    assert [p.name for p in version.parent.iterdir()] == ["1.0.0"]
