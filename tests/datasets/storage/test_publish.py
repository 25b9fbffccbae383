"""Published datasets: plain TFDS reads them, and they appear whole or not at all."""

import errno
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.observation import observed
from wtl.datasets.storage import checksums, new_version, publish, staging
from wtl.datasets.storage.publish import PublishError
from wtl.datasets.storage.shard_lock import DatasetLockedError
from wtl.datasets.storage.staging import StagingError, StagingWriter
from wtl.datasets.testing.fakes import SPEC, fake_episode

_ROOT = pathlib.Path(__file__).resolve().parents[3]
_EPISODES = [
    fake_episode(
        index,
        transitions=4 + index % 3,
        split=fields.SPLITS[index % 3],
        parent_demo_ids=("α", "b") if index % 2 else (),
        success=index % 4 != 0,
        role=fields.ROLE_TRIAL,
    )
    for index in range(9)
]


def _stage(folder, episodes=_EPISODES):
    with StagingWriter(folder, SPEC) as writer:
        writer.append(episodes)
    return folder


def _publish(staged, root, version="1.0.0", **options):
    provenance = options.pop("provenance", {"seed": 1, "commit": "abc"})
    return publish.publish(
        staged, root, fields.WTL_DEMOS, version, SPEC, provenance, **options
    )


def _contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


_PLAIN_TFDS = """
import json, sys
import tensorflow_datasets as tfds
root = sys.argv[1]
builder = tfds.builder_from_directory(root + "/wtl_demos/1.0.0")
named = tfds.load("wtl_demos", data_dir=root, split="val")
found = {"count": len(named), "splits": list(builder.info.splits), "episodes": {}}
found["license"] = builder.info.redistribution_info.license
for split in builder.info.splits:
    for episode in builder.as_dataset(split=split):
        steps = list(episode.pop("steps").as_numpy_iterator())
        hidden = episode.pop("hidden")
        values = {key: value.numpy() for key, value in episode.items()}
        values.update({"hidden/" + k: v.numpy() for k, v in hidden.items()})
        values = {
            key: [item.decode() for item in value] if key.startswith("parent")
            else value.decode() if isinstance(value, bytes) else value.item()
            for key, value in values.items()
        }
        found["episodes"][values["episode_id"]] = {
            "metadata": values,
            "state": b"".join(s["observation"]["state"].tobytes() for s in steps).hex(),
            **{
                key: b"".join(step[key].tobytes() for step in steps).hex()
                for key in steps[0] if key != "observation"
            },
        }
assert "datasets" not in sys.modules
print(json.dumps(found))
"""


def test_plain_tfds_reads_the_same_values(tmp_path):
    _publish(_stage(tmp_path / "staged"), tmp_path / "data", shard_bytes=1500)
    (tmp_path / "elsewhere").mkdir()
    child = subprocess.run(
        # Isolated: neither this folder nor PYTHONPATH leads to our code.
        [sys.executable, "-I", "-c", _PLAIN_TFDS, str(tmp_path / "data")],
        cwd=tmp_path / "elsewhere",
        capture_output=True,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert child.returncode == 0, child.stderr
    found = json.loads(child.stdout)
    assert set(found["splits"]) == set(fields.SPLITS)
    assert found["count"] == 3
    assert "Apache" in found["license"]
    assert set(found["episodes"]) == {episode.id for episode in _EPISODES}
    for episode in _EPISODES:
        seen = found["episodes"][episode.id]
        for name, array in episode.steps.items():
            assert seen[name] == array.tobytes().hex(), name
        for name, value in episode.metadata.items():
            value = list(value) if isinstance(value, tuple) else value
            assert seen["metadata"][name] == value, name


def test_bytes_do_not_depend_on_the_order_of_arrival(tmp_path):
    one = _publish(_stage(tmp_path / "a"), tmp_path / "one", shard_bytes=2000)
    _stage(tmp_path / "b", _EPISODES[::-1][:4])
    _stage(tmp_path / "b", _EPISODES[:7])  # Two are staged twice.
    two = _publish(tmp_path / "b", tmp_path / "two", shard_bytes=2000)
    assert _contents(one) == _contents(two)
    assert len([name for name in _contents(one) if checksums.is_shard(name)]) > 3


def test_fingerprint_is_of_the_episodes_alone(tmp_path):
    staged = _stage(tmp_path / "staged")
    one = _publish(staged, tmp_path / "one", provenance={"seed": 1})
    two = _publish(staged, tmp_path / "two", provenance={"seed": 2})
    other = _publish(_stage(tmp_path / "less", _EPISODES[1:]), tmp_path / "three")
    assert checksums.fingerprint(one) == checksums.fingerprint(two)
    assert checksums.fingerprint(one) != checksums.fingerprint(other)
    assert json.loads((two / fields.PROVENANCE_FILE).read_text()) == {"seed": 2}


def test_the_content_is_what_it_was_in_earlier_versions(tmp_path):
    # Changes with what is stored; last with the descriptions of fields in 0.2.0.
    path = _publish(_stage(tmp_path / "staged"), tmp_path)
    assert checksums.fingerprint(path) == (
        "8c60fbf9886f6b26b8b3974baf58d5493c83a42c6384a90a39777673eb53fc6a"
    )


def test_the_folder_has_card_citation_licence_and_checksums(tmp_path):
    path = _publish(
        _stage(tmp_path / "staged"),
        tmp_path / "data",
        release_notes={"1.0.0": "Made for a test."},
    )
    assert path == tmp_path / "data" / "wtl_demos" / "1.0.0"
    contents = _contents(path)
    assert b"| train | trial | lift | 3 | 0.667 |" in contents["README.md"]
    assert b"Made for a test." in contents["README.md"]
    assert b"@inproceedings" in contents["CITATIONS.bib"]
    assert b"Apache" in contents["LICENSE"]
    info = json.loads(contents["dataset_info.json"])
    assert info["releaseNotes"] == {"1.0.0": "Made for a test."}
    assert set(checksums.read(path)) == set(contents) - {"checksums.json"}


def test_refusals(tmp_path):
    staged = _stage(tmp_path / "staged")
    root = tmp_path / "data"
    with pytest.raises(PublishError, match="not of the form 1.0.0"):
        _publish(staged, root, "latest")
    with pytest.raises(PublishError, match="not a folder of staged episodes"):
        _publish(tmp_path / "nothing", root)
    StagingWriter(tmp_path / "empty", SPEC).close()
    with pytest.raises(PublishError, match="no episode is staged"):
        _publish(tmp_path / "empty", root)
    with pytest.raises(PublishError, match="holds episodes of EpisodeSpec"):
        publish.publish(
            staged, root, "wtl_demos", "1.0.0", EpisodeSpec(observed(1), 2, 3), {}
        )
    with StagingWriter(staged, SPEC), pytest.raises(DatasetLockedError):
        _publish(staged, root)
    assert not root.exists()
    _publish(staged, root)
    with pytest.raises(PublishError, match="exists already"):
        _publish(staged, root)


def test_a_torn_tail_is_left_out_and_damage_refused(tmp_path):
    staged = _stage(tmp_path / "staged", _EPISODES[:3])
    shard = staged / "staged-00000.tfrecord"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-5])
    path = _publish(staged, tmp_path / "torn")
    assert b"2 episodes" in (path / "README.md").read_bytes()
    shard.write_bytes(whole[:60] + bytes([whole[60] ^ 1]) + whole[61:])
    with pytest.raises(PublishError, match="at byte 0 is damaged"):
        _publish(staged, tmp_path / "damaged")


def test_failure_at_any_sync_or_rename_shows_nothing(tmp_path, monkeypatch):
    staged = _stage(tmp_path / "staged")
    expected = _contents(_publish(staged, tmp_path / "sound"))
    root = tmp_path / "data"
    real = {"fsync": os.fsync, "rename": os.rename}
    for failing in range(1000):
        calls = []

        def faulty(name, calls=calls, failing=failing):
            def call(*args):
                calls.append(name)
                if len(calls) == failing + 1:
                    raise OSError(28, "No space left on device")
                return real[name](*args)

            return call

        with monkeypatch.context() as patch:
            for name in real:
                patch.setattr(os, name, faulty(name))
            try:
                path = _publish(staged, root)
            except PublishError as error:
                assert "No space left" in str(error)
            else:
                break
        last = calls[-1] == "fsync" and "rename" in calls
        # The one sync after the rename may fail with the version in place.
        left = list((root / "wtl_demos").iterdir())
        assert left == ([root / "wtl_demos" / "1.0.0"] if last else [])
        if last:
            assert _contents(left[0]) == expected
            for file in left[0].iterdir():
                file.unlink()
            left[0].rmdir()
    assert failing > 10
    assert _contents(path) == expected


@pytest.mark.parametrize("syncs", [1, 6])
def test_a_killed_publisher_leaves_nothing_that_matters(tmp_path, syncs):
    staged = _stage(tmp_path / "staged")
    code = f"""
import os, signal, sys
real, left = os.fsync, [{syncs}]
def fsync(fd):
    real(fd)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
os.fsync = fsync
from wtl.datasets.testing.fakes import SPEC
from wtl.datasets.storage.publish import publish
publish(sys.argv[1], sys.argv[2], "wtl_demos", "1.0.0", SPEC, {{}})
"""
    root = tmp_path / "data"
    child = subprocess.run(
        [sys.executable, "-c", code, str(staged), str(root)], cwd=_ROOT
    )
    assert child.returncode == -signal.SIGKILL
    (incomplete,) = (root / "wtl_demos").iterdir()
    assert ".incomplete." in incomplete.name
    path = _publish(staged, root)
    assert list((root / "wtl_demos").iterdir()) == [path]
    assert staging.is_staging(staged)


def test_a_full_disk_does_not_promise_to_resume_what_is_not_kept(tmp_path):
    with pytest.raises(StagingError, match="data has no new version: No space left"):
        with new_version.new_version(tmp_path, "data", SPEC):
            full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise StagingError("rerun the command to resume") from full
    assert not list(tmp_path.rglob("staged*"))
