"""Versions are fetched whole, and only what is missing travels."""

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

from tests.datasets.hosting.hosted import (
    NAME,
    PLACE,
    VERSION,
    contents,
    shards,
    size_of,
)
from wtl.datasets.contract import fields
from wtl.datasets.hosting import hosting
from wtl.datasets.hosting.hosting import HostingError
from wtl.datasets.hosting.remote_folder import RemoteError
from wtl.datasets.storage import checksums
from wtl.datasets.storage.shard_lock import DatasetLockedError, ShardLock
from wtl.datasets.storage.verify import verify

ROOT = pathlib.Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("ranges", [True, False])
def test_fetched_over_http_plain_tfds_reads_it(web, version, tmp_path, ranges):
    manners = Manners(ranges)
    with serving(web, manners) as url:
        done = hosting.fetch(f"{url}/{PLACE}", tmp_path / "here")
        here = tmp_path / "here" / PLACE
        assert contents(here) == contents(version)
        assert verify(here) == []
        assert done.bytes == size_of(version)
        # By its version, or TFDS would take our builder where a test has imported it.
        named = f"{NAME}:{VERSION}"
        assert len(tfds.load(named, data_dir=tmp_path / "here", split="train")) == 4
        assert len(tfds.builder_from_directory(here).as_dataset(split="test")) == 4
        manners.sent.clear()
        again = hosting.fetch(f"{url}/{PLACE}/", tmp_path / "here")
        assert again.moved == again.bytes == 0
        assert set(manners.sent) == {fields.CHECKSUMS_FILE}


def test_only_what_is_missing_or_damaged_is_fetched_again(web, version, tmp_path):
    manners = Manners()
    with serving(web, manners) as url:
        hosting.fetch(f"{url}/{PLACE}", tmp_path)
        first, second = shards(tmp_path / PLACE)[:2]
        first.unlink()
        second.write_bytes(second.read_bytes()[:-7])
        (tmp_path / PLACE / fields.CHECKSUMS_FILE).write_text("{")
        manners.sent.clear()
        assert hosting.fetch(f"{url}/{PLACE}", tmp_path).moved == 2
    assert set(manners.sent) == {first.name, second.name, fields.CHECKSUMS_FILE}
    assert contents(tmp_path / PLACE) == contents(version)


@pytest.mark.parametrize("ranges", [True, False])
def test_cut_connections_are_taken_up_again(web, version, tmp_path, ranges):
    manners = Manners(ranges)
    shard = max(shards(version), key=lambda path: path.stat().st_size)
    size = shard.stat().st_size
    hosting.upload(version, str(tmp_path / "have"), NAME, VERSION)
    (tmp_path / "have" / PLACE / shard.name).unlink()
    # Not within the manifest, which is small and not resumed.
    manners.cut_after = (version / fields.CHECKSUMS_FILE).stat().st_size
    assert 3 * manners.cut_after < size
    manners.cuts_left = 2
    with serving(web, manners) as url:
        done = hosting.fetch(f"{url}/{PLACE}", tmp_path / "have")
    assert manners.cuts_left == 0
    assert contents(tmp_path / "have" / PLACE) == contents(version)
    if ranges:
        assert manners.sent[shard.name] == size == done.bytes
    else:
        assert manners.sent[shard.name] == size + 2 * manners.cut_after


def test_a_stale_part_is_thrown_away(web, version, tmp_path):
    shard = shards(version)[0]
    part = tmp_path / NAME / f".{VERSION}.partial" / f".{shard.name}.part"
    part.parent.mkdir(parents=True)
    for stale in (b"of another version", b"x" * (shard.stat().st_size + 5)):
        part.write_bytes(stale)
        with serving(web, Manners()) as url:
            hosting.fetch(f"{url}/{PLACE}", tmp_path)
        assert contents(tmp_path / PLACE) == contents(version)
        shutil.rmtree(tmp_path / PLACE)
        part.parent.mkdir(parents=True)


def test_missing_things_are_named(web, version, tmp_path):
    manners = Manners()
    manners.missing = shards(version)[0].name
    with serving(web, manners) as url:
        with pytest.raises(HostingError, match=f"{manners.missing} is missing"):
            hosting.fetch(f"{url}/{PLACE}", tmp_path)
        with pytest.raises(HostingError, match="no published version.*BASE/"):
            hosting.fetch(f"{url}/{NAME}/9.0.0", tmp_path)
        with pytest.raises(HostingError, match="does not end in NAME/VERSION"):
            hosting.fetch(f"{url}/{NAME}/..", tmp_path)
        with pytest.raises(HostingError, match="does not end in NAME/VERSION"):
            hosting.fetch(f"{url}/runs/policies", tmp_path)
    with pytest.raises(RemoteError):
        hosting.fetch(f"{url}/{PLACE}", tmp_path)  # The server is closed.


def test_an_empty_file_travels_too(tmp_path):
    folder = tmp_path / "web" / PLACE
    folder.mkdir(parents=True)
    (folder / "empty").touch()
    checksums.seal(folder)
    with serving(tmp_path / "web", Manners()) as url:
        hosting.fetch(f"{url}/{PLACE}", tmp_path / "here")
    assert contents(tmp_path / "here" / PLACE) == contents(folder)


def test_one_fetch_at_a_time(web, tmp_path):
    (tmp_path / "here" / NAME).mkdir(parents=True)
    lock = ShardLock(tmp_path / "here" / NAME / f".{VERSION}.lock", "it")
    with pytest.raises(DatasetLockedError, match=str(os.getpid())):
        hosting.fetch(str(web / PLACE), tmp_path / "here")
    lock.release()


def test_kill_9_and_only_the_rest_travels(web, version, tmp_path):
    manners = Manners()
    manners.bytes_per_second = size_of(version) // 3
    code = (
        "import sys; from wtl.datasets.hosting import hosting;"
        "hosting.fetch(*sys.argv[1:])"
    )
    with serving(web, manners) as url:
        for share in (0.3, 0.6):
            child = subprocess.Popen(
                [sys.executable, "-c", code, f"{url}/{PLACE}", str(tmp_path)],
                cwd=ROOT,
            )
            until = time.monotonic() + 120
            while sum(manners.sent.values()) < share * size_of(version):
                assert child.poll() is None and time.monotonic() < until
                time.sleep(0.01)
            child.send_signal(signal.SIGKILL)
            assert child.wait() == -signal.SIGKILL
            assert not (tmp_path / PLACE).exists()
        manners.bytes_per_second = 0
        time.sleep(0.3)  # What was under way is given up.
        partial = tmp_path / NAME / f".{VERSION}.partial"
        have = sum(path.stat().st_size for path in partial.rglob("*"))
        assert have > 0.3 * size_of(version)
        manners.sent.clear()
        done = hosting.fetch(f"{url}/{PLACE}", tmp_path)
    del manners.sent[fields.CHECKSUMS_FILE]
    assert sum(manners.sent.values()) == done.bytes == size_of(version) - have
    assert contents(tmp_path / PLACE) == contents(version)


def test_proxies_of_the_environment_are_used(web, tmp_path, monkeypatch):
    manners = Manners()
    with serving(web, manners) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy)
        hosting.fetch(f"http://data.lab.test/{PLACE}", tmp_path)
        assert all(url.startswith("http://data.lab.test/") for url in manners.asked)
        with pytest.raises(RemoteError):
            hosting.fetch(f"https://data.lab.test/{PLACE}", tmp_path / "tls")
        assert manners.asked[-1] == "data.lab.test:443"
        monkeypatch.setenv("NO_PROXY", "data.lab.test")
        with pytest.raises(RemoteError, match="data.lab.test"):
            hosting.fetch(f"http://data.lab.test/{PLACE}", tmp_path / "direct")
        assert manners.asked[-1] == "data.lab.test:443"


def test_addresses_are_taken_as_written(web, tmp_path):
    manners = Manners()
    with serving(web, manners) as url:
        hosting.fetch(f"{url.upper()}/{PLACE}", tmp_path / "upper")
        manners.redirect = url
        with pytest.raises(RemoteError, match="redirects without end"):
            hosting.fetch(f"{url}/{PLACE}", tmp_path / "loop")
    for address in ("http://[::1/", "http://a:b/"):
        with pytest.raises(RemoteError, match="is no address"):
            hosting.fetch(f"{address}{PLACE}", tmp_path)
    for number, prefix in enumerate(("", "file://")):
        shared = f"{prefix}{tmp_path}/a::b,c=d::{number}"
        hosting.upload(web / PLACE, shared, NAME, VERSION)
        hosting.fetch(f"{shared}/{PLACE}", tmp_path / f"here::{number}")
        assert (tmp_path / f"here::{number}" / PLACE).is_dir()
        assert (tmp_path / f"a::b,c=d::{number}" / PLACE).is_dir()
