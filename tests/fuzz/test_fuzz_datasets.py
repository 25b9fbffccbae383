"""Damaged datasets: found by `verify`, refused by readers and by `fetch`."""

import pathlib
import shutil

import pytest
from damage import DAMAGES, damaged, run, tree
from hypothesis import given
from web_server import Manners, serving

from wtl.datasets.contract import fields
from wtl.datasets.hosting import hosting
from wtl.datasets.storage import checksums, publish
from wtl.datasets.storage.staging import StagingWriter
from wtl.datasets.testing.fakes import SPEC, fake_episode

PLACE = pathlib.Path(fields.WTL_DEMOS, "1.0.0")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("intact")
    episodes = [fake_episode(i, transitions=4) for i in range(4)]
    with StagingWriter(root / "staged", SPEC) as writer:
        writer.append(episodes)
    publish.publish(root / "staged", root, PLACE.parts[0], "1.0.0", SPEC, {})
    return root


def _bytes(folder):
    return {name: (folder / name).read_bytes() for name in _files(folder)}


def _files(folder):
    return {name for name in tree(folder) if (folder / name).is_file()}


@given(damages=DAMAGES)
def test_verify_finds_any_damage(root, tmp_path, capsys, damages):
    path = tmp_path / PLACE
    damaged(root / PLACE, path, damages)
    intact = run(capsys, "verify", path)
    assert intact == (_bytes(path) == _bytes(root / PLACE))


@given(damages=DAMAGES)
def test_what_is_sealed_anew_is_read_or_refused(root, tmp_path, capsys, damages):
    """A hostile dataset has checksums that fit."""
    path = tmp_path / PLACE
    damaged(root / PLACE, path, damages)
    names = _files(path) - {fields.CHECKSUMS_FILE}
    sums = {name: checksums.checksum(path / name) for name in names}
    (path / fields.CHECKSUMS_FILE).write_bytes(checksums.render(sums))
    run(capsys, "verify", path)
    run(capsys, "dataset", "filter", path, "--where=role=demo", f"--out={tmp_path}/out")
    target = tmp_path / "demos.hdf5"
    target.unlink(missing_ok=True)
    run(capsys, "export", path, target, "--format=robomimic")
    assert {p.name for p in tmp_path.iterdir()} <= {PLACE.parts[0], "out", target.name}
    shutil.rmtree(tmp_path / "out", ignore_errors=True)


@pytest.fixture(scope="module")
def web(root, tmp_path_factory):
    """A web server, and the folder of which it serves a dataset."""
    folder = tmp_path_factory.mktemp("web")
    with serving(folder, Manners()) as address:
        yield folder, address


@given(damages=DAMAGES)
def test_fetch_gets_all_or_nothing(root, web, tmp_path, capsys, damages):
    folder, address = web
    damaged(root / PLACE, folder / PLACE, damages)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hosting, "_PAUSE_SECONDS", 0)
        fetched = run(capsys, "fetch", f"{address}/{PLACE}", tmp_path / "root")
    there = tmp_path / "root" / PLACE
    assert fetched == there.exists()
    if fetched:
        promised = checksums.read(there)
        assert {n: checksums.checksum(there / n) for n in promised} == promised
    assert {p.name for p in tmp_path.iterdir()} <= {"root"}
    shutil.rmtree(tmp_path / "root", ignore_errors=True)
