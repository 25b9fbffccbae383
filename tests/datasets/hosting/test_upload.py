"""Published versions travel to a server whole or not at all."""

import shutil

import pytest
from web_server import Manners, serving

from tests.datasets.hosting.hosted import (
    NAME,
    PLACE,
    VERSION,
    contents,
    make,
    shards,
    size_of,
)
from wtl.commands import cli
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import DatasetDamagedError
from wtl.datasets.hosting import hosting
from wtl.datasets.hosting.hosting import HostingError
from wtl.datasets.hosting.remote_folder import RemoteError
from wtl.datasets.storage.verify import verify


def _wtl(*arguments) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    return ended.value.code


def test_an_upload_is_the_version(version, tmp_path):
    done = hosting.upload(version, str(tmp_path / "far" / "away"), NAME, VERSION)
    assert contents(tmp_path / "far" / "away" / PLACE) == contents(version)
    assert done.moved == done.files and done.bytes == size_of(version)
    assert verify(tmp_path / "far" / "away" / PLACE) == []


def test_a_second_upload_moves_what_is_missing_or_damaged(version, web):
    there = web / PLACE
    first, second = shards(there)[:2]
    first.unlink()
    damaged = bytearray(second.read_bytes())
    damaged[100] ^= 1
    second.write_bytes(damaged)
    done = hosting.upload(version, str(web), NAME, VERSION)
    assert done.moved == 2
    assert done.bytes == sum((version / f.name).stat().st_size for f in (first, second))
    assert contents(there) == contents(version)
    assert hosting.upload(version, str(web), NAME, VERSION).moved == 0


def test_an_interrupted_upload_is_nothing_yet(version, tmp_path, monkeypatch):
    real = hosting.RemoteFolder.put
    puts = []

    def put(self, name, source):
        puts.append(name)
        if len(puts) == 4:
            raise KeyboardInterrupt
        real(self, name, source)

    with monkeypatch.context() as patch:
        patch.setattr(hosting.RemoteFolder, "put", put)
        with pytest.raises(KeyboardInterrupt):
            hosting.upload(version, str(tmp_path / "web"), NAME, VERSION)
    with pytest.raises(HostingError, match="no published version"):
        hosting.fetch(str(tmp_path / "web" / PLACE), tmp_path / "here")
    done = hosting.upload(version, str(tmp_path / "web"), NAME, VERSION)
    assert done.moved == done.files - 3
    assert contents(tmp_path / "web" / PLACE) == contents(version)


def test_a_torn_sentinel_is_replaced(version, web):
    file = web / PLACE / fields.CHECKSUMS_FILE
    file.write_bytes(file.read_bytes()[:50])
    hosting.upload(version, str(web), NAME, VERSION)
    assert verify(web / PLACE) == []


def test_published_versions_do_not_change(version, web, tmp_path):
    other = make(tmp_path / "other", first=50)
    with pytest.raises(HostingError, match="another content.*another version"):
        hosting.upload(other, str(web), NAME, VERSION)
    assert contents(web / PLACE) == contents(version)
    hosting.fetch(str(web / PLACE), tmp_path / "here")
    hosting.upload(other, str(tmp_path / "elsewhere"), NAME, VERSION)
    with pytest.raises(HostingError, match="another content"):
        hosting.fetch(str(tmp_path / "elsewhere" / PLACE), tmp_path / "here")
    assert contents(tmp_path / "here" / PLACE) == contents(version)


def test_a_damaged_version_is_not_published(version, tmp_path):
    shutil.copytree(version, tmp_path / "copy")
    shard = shards(tmp_path / "copy")[0]
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(DatasetDamagedError, match=shard.name):
        hosting.upload(tmp_path / "copy", str(tmp_path / "web"), NAME, VERSION)
    assert not (tmp_path / "web" / PLACE / fields.CHECKSUMS_FILE).exists()


def test_upload_refuses_what_it_cannot_write_or_does_not_know(version, tmp_path):
    with pytest.raises(HostingError, match="over HTTP"):
        hosting.upload(version, "http://127.0.0.1:9/data", NAME, VERSION)
    with pytest.raises(RemoteError, match="cannot be used"):
        hosting.upload(version, "nosuch://bucket", NAME, VERSION)
    (tmp_path / "file").write_text("")
    with pytest.raises(RemoteError, match="file"):
        hosting.upload(version, str(tmp_path / "file"), NAME, VERSION)
    stray = tmp_path / "web" / PLACE / "stray"
    stray.parent.mkdir(parents=True)
    stray.write_text("mine")
    with pytest.raises(HostingError, match="holds stray"):
        hosting.upload(version, str(tmp_path / "web"), NAME, VERSION)
    assert stray.read_text() == "mine"


def test_the_commands(version, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(version, run / "datasets" / PLACE)
    assert _wtl("publish", run, tmp_path / "web") == 0
    assert _wtl("publish", run / "datasets" / NAME, tmp_path / "web") == 0
    assert "moved 0 of" in capsys.readouterr().out
    with serving(tmp_path / "web", Manners()) as url:
        assert _wtl("fetch", f"{url}/{PLACE}", tmp_path / "here") == 0
        assert _wtl("fetch", f"{url}/nothing/1.0.0", tmp_path / "here") == 1
    assert _wtl("verify", tmp_path / "here" / NAME) == 0
    (tmp_path / "empty").mkdir()
    assert _wtl("publish", tmp_path / "empty", tmp_path / "web") == 1
    said = capsys.readouterr().err
    assert "nothing to publish" in said and "Traceback" not in said
