"""Published versions travel whole or not at all, and only what is missing travels."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest
import tensorflow_datasets as tfds
from web_server import Manners, serving

from wtl.commands import cli
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import DatasetDamagedError, UserError
from wtl.datasets.hosting import hosting, remote_folder
from wtl.datasets.hosting.hosting import HostingError
from wtl.datasets.hosting.remote_folder import RemoteError
from wtl.datasets.storage import checksums, publish
from wtl.datasets.storage.shard_lock import DatasetLockedError, ShardLock
from wtl.datasets.storage.staging import StagingWriter
from wtl.datasets.storage.verify import verify
from wtl.datasets.testing.fakes import SPEC, fake_episode

_ROOT = pathlib.Path(__file__).resolve().parents[3]
_NAME, _VERSION = fields.WTL_DEMOS, "1.0.0"
_PLACE = f"{_NAME}/{_VERSION}"


def _make(root, first=0) -> pathlib.Path:
    episodes = [
        fake_episode(first + i, transitions=40, split=("train", "test")[i % 2])
        for i in range(8)
    ]
    with StagingWriter(root / "staged", SPEC) as writer:
        writer.append(episodes)
    return publish.publish(
        root / "staged", root, _NAME, _VERSION, SPEC, {}, shard_bytes=10_000
    )


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    return _make(tmp_path_factory.mktemp("made"))


@pytest.fixture
def web(version, tmp_path):
    """The root of a web server that shows the version."""
    hosting.upload(version, str(tmp_path / "web"), _NAME, _VERSION)
    return tmp_path / "web"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(hosting, "_PAUSE_SECONDS", 0)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def _contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _shards(folder) -> list[pathlib.Path]:
    return sorted(folder.glob("*.tfrecord-*"))


def _size(folder) -> int:
    return sum(entry.size for entry in checksums.read(folder).values())


def test_an_upload_is_the_version(version, tmp_path):
    done = hosting.upload(version, str(tmp_path / "far" / "away"), _NAME, _VERSION)
    assert _contents(tmp_path / "far" / "away" / _PLACE) == _contents(version)
    assert done.moved == done.files and done.bytes == _size(version)
    assert verify(tmp_path / "far" / "away" / _PLACE) == []


def test_a_second_upload_moves_what_is_missing_or_damaged(version, web):
    there = web / _PLACE
    first, second = _shards(there)[:2]
    first.unlink()
    damaged = bytearray(second.read_bytes())
    damaged[100] ^= 1
    second.write_bytes(damaged)
    done = hosting.upload(version, str(web), _NAME, _VERSION)
    assert done.moved == 2
    assert done.bytes == sum((version / f.name).stat().st_size for f in (first, second))
    assert _contents(there) == _contents(version)
    assert hosting.upload(version, str(web), _NAME, _VERSION).moved == 0


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
            hosting.upload(version, str(tmp_path / "web"), _NAME, _VERSION)
    with pytest.raises(HostingError, match="no published version"):
        hosting.fetch(str(tmp_path / "web" / _PLACE), tmp_path / "here")
    done = hosting.upload(version, str(tmp_path / "web"), _NAME, _VERSION)
    assert done.moved == done.files - 3
    assert _contents(tmp_path / "web" / _PLACE) == _contents(version)


def test_a_torn_sentinel_is_replaced(version, web):
    file = web / _PLACE / fields.CHECKSUMS_FILE
    file.write_bytes(file.read_bytes()[:50])
    hosting.upload(version, str(web), _NAME, _VERSION)
    assert verify(web / _PLACE) == []


def test_published_versions_do_not_change(version, web, tmp_path):
    other = _make(tmp_path / "other", first=50)
    with pytest.raises(HostingError, match="another content.*another version"):
        hosting.upload(other, str(web), _NAME, _VERSION)
    assert _contents(web / _PLACE) == _contents(version)
    hosting.fetch(str(web / _PLACE), tmp_path / "here")
    hosting.upload(other, str(tmp_path / "elsewhere"), _NAME, _VERSION)
    with pytest.raises(HostingError, match="another content"):
        hosting.fetch(str(tmp_path / "elsewhere" / _PLACE), tmp_path / "here")
    assert _contents(tmp_path / "here" / _PLACE) == _contents(version)


def test_a_damaged_version_is_not_published(version, tmp_path):
    shutil.copytree(version, tmp_path / "copy")
    shard = _shards(tmp_path / "copy")[0]
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(DatasetDamagedError, match=shard.name):
        hosting.upload(tmp_path / "copy", str(tmp_path / "web"), _NAME, _VERSION)
    assert not (tmp_path / "web" / _PLACE / fields.CHECKSUMS_FILE).exists()


def test_upload_refuses_what_it_cannot_write_or_does_not_know(version, tmp_path):
    with pytest.raises(HostingError, match="over HTTP"):
        hosting.upload(version, "http://127.0.0.1:9/data", _NAME, _VERSION)
    with pytest.raises(RemoteError, match="cannot be used"):
        hosting.upload(version, "nosuch://bucket", _NAME, _VERSION)
    (tmp_path / "file").write_text("")
    with pytest.raises(RemoteError, match="file"):
        hosting.upload(version, str(tmp_path / "file"), _NAME, _VERSION)
    stray = tmp_path / "web" / _PLACE / "stray"
    stray.parent.mkdir(parents=True)
    stray.write_text("mine")
    with pytest.raises(HostingError, match="holds stray"):
        hosting.upload(version, str(tmp_path / "web"), _NAME, _VERSION)
    assert stray.read_text() == "mine"


@pytest.mark.parametrize("ranges", [True, False])
def test_fetched_over_http_plain_tfds_reads_it(web, version, tmp_path, ranges):
    manners = Manners(ranges)
    with serving(web, manners) as url:
        done = hosting.fetch(f"{url}/{_PLACE}", tmp_path / "here")
        here = tmp_path / "here" / _PLACE
        assert _contents(here) == _contents(version)
        assert verify(here) == []
        assert done.bytes == _size(version)
        # By its version, or TFDS would take our builder where a test has imported it.
        named = f"{_NAME}:{_VERSION}"
        assert len(tfds.load(named, data_dir=tmp_path / "here", split="train")) == 4
        assert len(tfds.builder_from_directory(here).as_dataset(split="test")) == 4
        manners.sent.clear()
        again = hosting.fetch(f"{url}/{_PLACE}/", tmp_path / "here")
        assert again.moved == again.bytes == 0
        assert set(manners.sent) == {fields.CHECKSUMS_FILE}


def test_only_what_is_missing_or_damaged_is_fetched_again(web, version, tmp_path):
    manners = Manners()
    with serving(web, manners) as url:
        hosting.fetch(f"{url}/{_PLACE}", tmp_path)
        first, second = _shards(tmp_path / _PLACE)[:2]
        first.unlink()
        second.write_bytes(second.read_bytes()[:-7])
        (tmp_path / _PLACE / fields.CHECKSUMS_FILE).write_text("{")
        manners.sent.clear()
        assert hosting.fetch(f"{url}/{_PLACE}", tmp_path).moved == 2
    assert set(manners.sent) == {first.name, second.name, fields.CHECKSUMS_FILE}
    assert _contents(tmp_path / _PLACE) == _contents(version)


@pytest.mark.parametrize("ranges", [True, False])
def test_cut_connections_are_taken_up_again(web, version, tmp_path, ranges):
    manners = Manners(ranges)
    shard = max(_shards(version), key=lambda path: path.stat().st_size)
    size = shard.stat().st_size
    hosting.upload(version, str(tmp_path / "have"), _NAME, _VERSION)
    (tmp_path / "have" / _PLACE / shard.name).unlink()
    # Not within the manifest, which is small and not resumed.
    manners.cut_after = (version / fields.CHECKSUMS_FILE).stat().st_size
    assert 3 * manners.cut_after < size
    manners.cuts_left = 2
    with serving(web, manners) as url:
        done = hosting.fetch(f"{url}/{_PLACE}", tmp_path / "have")
    assert manners.cuts_left == 0
    assert _contents(tmp_path / "have" / _PLACE) == _contents(version)
    if ranges:
        assert manners.sent[shard.name] == size == done.bytes
    else:
        assert manners.sent[shard.name] == size + 2 * manners.cut_after


def test_a_server_that_always_breaks_off_is_given_up(web, version, tmp_path):
    manners = Manners(ranges=False)
    manners.cut_after, manners.cuts_left = 3000, 1000
    shard = _shards(version)[0]
    hosting.upload(version, str(tmp_path), _NAME, _VERSION)
    (tmp_path / _PLACE / shard.name).unlink()
    with serving(web, manners) as url:
        with pytest.raises(RemoteError, match="rerun the command to resume"):
            hosting.fetch(f"{url}/{_PLACE}", tmp_path)
        manners.cuts_left = 0
        hosting.fetch(f"{url}/{_PLACE}", tmp_path)
    assert _contents(tmp_path / _PLACE) == _contents(version)


def test_a_corrupted_byte_is_refused_and_the_rest_kept(web, version, tmp_path):
    manners = Manners()
    manners.corrupt = _shards(version)[-1].name
    with serving(web, manners) as url:
        with pytest.raises(HostingError, match=f"{manners.corrupt} does not fit"):
            hosting.fetch(f"{url}/{_PLACE}", tmp_path)
        assert not (tmp_path / _PLACE).exists()
        assert list((tmp_path / _NAME).glob("[!.]*")) == []
        manners.corrupt = ""
        manners.sent.clear()
        done = hosting.fetch(f"{url}/{_PLACE}", tmp_path)
    assert done.moved == 1
    assert set(manners.sent) == {_shards(version)[-1].name, fields.CHECKSUMS_FILE}
    assert _contents(tmp_path / _PLACE) == _contents(version)


def test_a_stale_part_is_thrown_away(web, version, tmp_path):
    shard = _shards(version)[0]
    part = tmp_path / _NAME / f".{_VERSION}.partial" / f".{shard.name}.part"
    part.parent.mkdir(parents=True)
    for stale in (b"of another version", b"x" * (shard.stat().st_size + 5)):
        part.write_bytes(stale)
        with serving(web, Manners()) as url:
            hosting.fetch(f"{url}/{_PLACE}", tmp_path)
        assert _contents(tmp_path / _PLACE) == _contents(version)
        shutil.rmtree(tmp_path / _PLACE)
        part.parent.mkdir(parents=True)


def test_missing_things_are_named(web, version, tmp_path):
    manners = Manners()
    manners.missing = _shards(version)[0].name
    with serving(web, manners) as url:
        with pytest.raises(HostingError, match=f"{manners.missing} is missing"):
            hosting.fetch(f"{url}/{_PLACE}", tmp_path)
        with pytest.raises(HostingError, match="no published version.*BASE/"):
            hosting.fetch(f"{url}/{_NAME}/9.0.0", tmp_path)
        with pytest.raises(HostingError, match="does not end in NAME/VERSION"):
            hosting.fetch(f"{url}/{_NAME}/..", tmp_path)
        with pytest.raises(HostingError, match="does not end in NAME/VERSION"):
            hosting.fetch(f"{url}/runs/policies", tmp_path)
    with pytest.raises(RemoteError):
        hosting.fetch(f"{url}/{_PLACE}", tmp_path)  # Nobody listens any more.


@pytest.mark.parametrize(
    "name",
    ["../escaped", "/tmp/escaped", "a/../../escaped", ".hidden", "a//b", "", "a\\b"]
    + ["checksums.json", "x" * 300, "a\0b", "README.md/below", "a/" * 400 + "b"],
)
def test_a_hostile_manifest_is_refused(web, tmp_path, name):
    file = web / _PLACE / fields.CHECKSUMS_FILE
    files = checksums.parse(file.read_bytes(), "")
    file.write_bytes(checksums.render(files | {name: files["README.md"]}))
    with serving(web, Manners()) as url:
        with pytest.raises(HostingError, match="which is no file of it"):
            hosting.fetch(f"{url}/{_PLACE}", tmp_path / "here")
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize(
    "text",
    [b"", b"[" * 100_000, b"{}", b'{"files": []}', b"\xff", b'{"files": {"a": 1}}']
    + [json.dumps({"files": {"a": {"sha256": "0", "bytes": 1e999}}}).encode()],
)
def test_a_broken_manifest_is_refused(web, tmp_path, text):
    (web / _PLACE / fields.CHECKSUMS_FILE).write_bytes(text)
    with pytest.raises(HostingError):
        hosting.fetch(str(web / _PLACE), tmp_path / "here")
    assert not (tmp_path / "here").exists()


def test_an_empty_file_travels_too(tmp_path):
    folder = tmp_path / "web" / _PLACE
    folder.mkdir(parents=True)
    (folder / "empty").touch()
    checksums.seal(folder)
    with serving(tmp_path / "web", Manners()) as url:
        hosting.fetch(f"{url}/{_PLACE}", tmp_path / "here")
    assert _contents(tmp_path / "here" / _PLACE) == _contents(folder)


def test_no_more_is_taken_than_was_promised(web, version, tmp_path, monkeypatch):
    shard = _shards(version)[0]
    with open(web / _PLACE / shard.name, "ab") as file:
        file.write(bytes(40 << 20))
    manners = Manners()
    with serving(web, manners) as url:
        with pytest.raises(HostingError, match="does not fit"):
            hosting.fetch(f"{url}/{_PLACE}", tmp_path / "here")
    assert max(f.stat().st_size for f in tmp_path.rglob("here/**/*")) < 2 << 20
    monkeypatch.setattr(checksums, "MAX_BYTES", 100)
    with pytest.raises(RemoteError, match="more than 100 bytes"):
        hosting.fetch(str(web / _PLACE), tmp_path / "here")


def test_links_are_not_followed(web, version, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    partial = tmp_path / "here" / _NAME / f".{_VERSION}.partial"
    partial.parent.mkdir(parents=True)
    partial.symlink_to(outside)
    with pytest.raises(HostingError, match="is a link"):
        hosting.fetch(str(web / _PLACE), tmp_path / "here")
    assert list(outside.iterdir()) == []


def test_one_fetch_at_a_time(web, tmp_path):
    (tmp_path / "here" / _NAME).mkdir(parents=True)
    lock = ShardLock(tmp_path / "here" / _NAME / f".{_VERSION}.lock", "it")
    with pytest.raises(DatasetLockedError, match=str(os.getpid())):
        hosting.fetch(str(web / _PLACE), tmp_path / "here")
    lock.release()


def test_kill_9_and_only_the_rest_travels(web, version, tmp_path):
    manners = Manners()
    manners.bytes_per_second = _size(version) // 3
    code = (
        "import sys; from wtl.datasets.hosting import hosting;"
        "hosting.fetch(*sys.argv[1:])"
    )
    with serving(web, manners) as url:
        for share in (0.3, 0.6):
            child = subprocess.Popen(
                [sys.executable, "-c", code, f"{url}/{_PLACE}", str(tmp_path)],
                cwd=_ROOT,
            )
            until = time.monotonic() + 120
            while sum(manners.sent.values()) < share * _size(version):
                assert child.poll() is None and time.monotonic() < until
                time.sleep(0.01)
            child.send_signal(signal.SIGKILL)
            assert child.wait() == -signal.SIGKILL
            assert not (tmp_path / _PLACE).exists()
        manners.bytes_per_second = 0
        time.sleep(0.3)  # What was under way is given up.
        partial = tmp_path / _NAME / f".{_VERSION}.partial"
        have = sum(path.stat().st_size for path in partial.rglob("*"))
        assert have > 0.3 * _size(version)
        manners.sent.clear()
        done = hosting.fetch(f"{url}/{_PLACE}", tmp_path)
    del manners.sent[fields.CHECKSUMS_FILE]
    assert sum(manners.sent.values()) == done.bytes == _size(version) - have
    assert _contents(tmp_path / _PLACE) == _contents(version)


def test_proxies_of_the_environment_are_used(web, tmp_path, monkeypatch):
    manners = Manners()
    with serving(web, manners) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy)
        hosting.fetch(f"http://data.lab.test/{_PLACE}", tmp_path)
        assert all(url.startswith("http://data.lab.test/") for url in manners.asked)
        with pytest.raises(RemoteError):
            hosting.fetch(f"https://data.lab.test/{_PLACE}", tmp_path / "tls")
        assert manners.asked[-1] == "data.lab.test:443"
        monkeypatch.setenv("NO_PROXY", "data.lab.test")
        with pytest.raises(RemoteError, match="data.lab.test"):
            hosting.fetch(f"http://data.lab.test/{_PLACE}", tmp_path / "direct")
        assert manners.asked[-1] == "data.lab.test:443"


def test_only_redirects_to_the_same_server_are_followed(web, tmp_path):
    there, elsewhere = Manners(), Manners()
    with serving(web, there) as url, serving(tmp_path, elsewhere) as other:
        elsewhere.redirect = url
        with pytest.raises(RemoteError, match="another server.*--redirects"):
            hosting.fetch(f"{other}/{_PLACE}", tmp_path / "refused")
        assert not there.asked
        hosting.fetch(f"{other}/{_PLACE}", tmp_path / "asked", redirects=True)


def test_addresses_are_taken_as_written(web, tmp_path):
    manners = Manners()
    with serving(web, manners) as url:
        hosting.fetch(f"{url.upper()}/{_PLACE}", tmp_path / "upper")
        manners.redirect = url
        with pytest.raises(RemoteError, match="redirects without end"):
            hosting.fetch(f"{url}/{_PLACE}", tmp_path / "loop")
    for address in ("http://[::1/", "http://a:b/"):
        with pytest.raises(RemoteError, match="is no address"):
            hosting.fetch(f"{address}{_PLACE}", tmp_path)
    for number, prefix in enumerate(("", "file://")):
        shared = f"{prefix}{tmp_path}/a::b,c=d::{number}"
        hosting.upload(web / _PLACE, shared, _NAME, _VERSION)
        hosting.fetch(f"{shared}/{_PLACE}", tmp_path / f"here::{number}")
        assert (tmp_path / f"here::{number}" / _PLACE).is_dir()
        assert (tmp_path / f"a::b,c=d::{number}" / _PLACE).is_dir()


@pytest.mark.parametrize(
    ("before", "after", "stays"),
    [
        ("http://a/x", "http://a:80/y", True),
        ("http://a/x", "https://a/y", True),
        ("https://a/x", "http://a/y", False),
        ("http://a:8000/x", "http://a:22/y", False),
        ("http://a/x", "http://b/x", False),
        ("http://a/x", "http://a@b/x", False),
        ("http://a/x", "file:///etc/passwd", False),
        ("http://a/x", "http://a:99999/x", False),
    ],
)
def test_servers_are_told_apart(before, after, stays):
    assert remote_folder._stays(before, after) == stays


@pytest.mark.parametrize("slow_headers", [False, True])
def test_a_server_that_stalls_is_given_up(
    web, version, tmp_path, monkeypatch, slow_headers
):
    monkeypatch.setattr(remote_folder, "_SILENT_SECONDS", 0.3)
    monkeypatch.setattr(remote_folder, "_CONNECT_SECONDS", 0.2)
    manners = Manners()
    manners.slow_headers = slow_headers
    manners.bytes_per_second = 200
    with serving(web, manners) as url:
        with pytest.raises(RemoteError, match="no answer" if slow_headers else "stall"):
            hosting.fetch(f"{url}/{_PLACE}", tmp_path)
        manners.bytes_per_second, manners.slow_headers = 0, False


def test_space_is_compared_before_anything_is_fetched(web, tmp_path, monkeypatch):
    manners, usage = Manners(), shutil.disk_usage("/")
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: usage._replace(free=_size(web / _PLACE) - 1)
    )
    with serving(web, manners) as url:
        with pytest.raises(HostingError, match="needs .* GB, but .* has"):
            hosting.fetch(f"{url}/{_PLACE}", tmp_path)
        assert set(manners.sent) == {fields.CHECKSUMS_FILE}
        (web / _PLACE / "README.md").unlink()
        huge = checksums.read(web / _PLACE)
        huge["README.md"] = checksums.FileChecksum("0" * 64, 1 << 61)
        (web / _PLACE / fields.CHECKSUMS_FILE).write_bytes(checksums.render(huge))
        with pytest.raises(HostingError, match="needs 2.31e"):
            hosting.fetch(f"{url}/{_PLACE}", tmp_path)


def test_a_dataset_that_names_other_code_is_refused(web, tmp_path):
    features = web / _PLACE / fields.FEATURES_FILE
    features.write_text(features.read_text().replace("tensorflow_datasets.", "evil."))
    (web / _PLACE / fields.CHECKSUMS_FILE).unlink()
    checksums.seal(web / _PLACE)
    for _ in range(2):
        with pytest.raises(UserError, match="evil"):
            hosting.fetch(str(web / _PLACE), tmp_path / "here")
    assert list((tmp_path / "here" / _NAME).glob("[!.]*")) == []


def test_a_version_has_its_policy_at_the_top(tmp_path):
    place = tmp_path / "mil" / "0123456789abcdef"
    for folder in ("run/policies/mil/saved_model", "saved_model/saved_model"):
        (place / folder).mkdir(parents=True)
        (place / folder / "saved_model.pb").write_text("program")
        checksums.seal(place)
        with pytest.raises(HostingError, match=f"a policy in its {folder}/"):
            hosting.fetch(str(place), tmp_path / "here")
        shutil.rmtree(place)


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_only_regular_files_travel(web, version, tmp_path, kind):
    path = web / _PLACE / fields.LICENSE_FILE
    path.rename(tmp_path / "outside")
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(tmp_path / "outside")
    words = "no regular file" if kind == "pipe" else "link that leads out"
    with pytest.raises(RemoteError, match=words):
        hosting.fetch(str(web / _PLACE), tmp_path / "here")
    with pytest.raises(RemoteError, match=words):
        hosting.upload(version, str(web), _NAME, _VERSION)
    with pytest.raises((RemoteError, DatasetDamagedError), match=words):
        hosting.upload(web / _PLACE, str(tmp_path / "copy"), _NAME, _VERSION)


def _wtl(*arguments) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    return ended.value.code


def test_the_commands(version, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(version, run / "datasets" / _PLACE)
    assert _wtl("publish", run, tmp_path / "web") == 0
    assert _wtl("publish", run / "datasets" / _NAME, tmp_path / "web") == 0
    assert "moved 0 of" in capsys.readouterr().out
    with serving(tmp_path / "web", Manners()) as url:
        assert _wtl("fetch", f"{url}/{_PLACE}", tmp_path / "here") == 0
        assert _wtl("fetch", f"{url}/nothing/1.0.0", tmp_path / "here") == 1
    assert _wtl("verify", tmp_path / "here" / _NAME) == 0
    (tmp_path / "empty").mkdir()
    assert _wtl("publish", tmp_path / "empty", tmp_path / "web") == 1
    said = capsys.readouterr().err
    assert "nothing to publish" in said and "Traceback" not in said
