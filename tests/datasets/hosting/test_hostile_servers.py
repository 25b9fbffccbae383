"""Servers that lie, stall or lead elsewhere are given up in one line."""

import json
import os
import shutil

import pytest
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
from wtl.datasets.contract.errors import DatasetDamagedError, UserError
from wtl.datasets.hosting import hosting, remote_folder
from wtl.datasets.hosting.hosting import HostingError
from wtl.datasets.hosting.remote_folder import RemoteError
from wtl.datasets.storage import checksums


def test_a_server_that_always_breaks_off_is_given_up(web, version, tmp_path):
    manners = Manners(ranges=False)
    manners.cut_after, manners.cuts_left = 3000, 1000
    shard = shards(version)[0]
    hosting.upload(version, str(tmp_path), NAME, VERSION)
    (tmp_path / PLACE / shard.name).unlink()
    with serving(web, manners) as url:
        with pytest.raises(RemoteError, match="rerun the command to resume"):
            hosting.fetch(f"{url}/{PLACE}", tmp_path)
        manners.cuts_left = 0
        hosting.fetch(f"{url}/{PLACE}", tmp_path)
    assert contents(tmp_path / PLACE) == contents(version)


def test_a_corrupted_byte_is_refused_and_the_rest_kept(web, version, tmp_path):
    manners = Manners()
    manners.corrupt = shards(version)[-1].name
    with serving(web, manners) as url:
        with pytest.raises(HostingError, match=f"{manners.corrupt} does not fit"):
            hosting.fetch(f"{url}/{PLACE}", tmp_path)
        assert not (tmp_path / PLACE).exists()
        assert list((tmp_path / NAME).glob("[!.]*")) == []
        manners.corrupt = ""
        manners.sent.clear()
        done = hosting.fetch(f"{url}/{PLACE}", tmp_path)
    assert done.moved == 1
    assert set(manners.sent) == {shards(version)[-1].name, fields.CHECKSUMS_FILE}
    assert contents(tmp_path / PLACE) == contents(version)


@pytest.mark.parametrize(
    "name",
    ["../escaped", "/tmp/escaped", "a/../../escaped", ".hidden", "a//b", "", "a\\b"]
    + ["checksums.json", "x" * 300, "a\0b", "README.md/below", "a/" * 400 + "b"],
)
def test_a_hostile_manifest_is_refused(web, tmp_path, name):
    file = web / PLACE / fields.CHECKSUMS_FILE
    files = checksums.parse(file.read_bytes(), "")
    file.write_bytes(checksums.render(files | {name: files["README.md"]}))
    with serving(web, Manners()) as url:
        with pytest.raises(HostingError, match="which is no file of it"):
            hosting.fetch(f"{url}/{PLACE}", tmp_path / "here")
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize(
    "text",
    [b"", b"[" * 100_000, b"{}", b'{"files": []}', b"\xff", b'{"files": {"a": 1}}']
    + [json.dumps({"files": {"a": {"sha256": "0", "bytes": 1e999}}}).encode()],
)
def test_a_broken_manifest_is_refused(web, tmp_path, text):
    (web / PLACE / fields.CHECKSUMS_FILE).write_bytes(text)
    with pytest.raises(HostingError):
        hosting.fetch(str(web / PLACE), tmp_path / "here")
    assert not (tmp_path / "here").exists()


def test_no_more_is_taken_than_was_promised(web, version, tmp_path, monkeypatch):
    shard = shards(version)[0]
    with open(web / PLACE / shard.name, "ab") as file:
        file.write(bytes(40 << 20))
    manners = Manners()
    with serving(web, manners) as url:
        with pytest.raises(HostingError, match="does not fit"):
            hosting.fetch(f"{url}/{PLACE}", tmp_path / "here")
    assert max(f.stat().st_size for f in tmp_path.rglob("here/**/*")) < 2 << 20
    monkeypatch.setattr(checksums, "MAX_BYTES", 100)
    with pytest.raises(RemoteError, match="more than 100 bytes"):
        hosting.fetch(str(web / PLACE), tmp_path / "here")


def test_links_are_not_followed(web, version, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    partial = tmp_path / "here" / NAME / f".{VERSION}.partial"
    partial.parent.mkdir(parents=True)
    partial.symlink_to(outside)
    with pytest.raises(HostingError, match="is a link"):
        hosting.fetch(str(web / PLACE), tmp_path / "here")
    assert list(outside.iterdir()) == []


def test_only_redirects_to_the_same_server_are_followed(web, tmp_path):
    there, elsewhere = Manners(), Manners()
    with serving(web, there) as url, serving(tmp_path, elsewhere) as other:
        elsewhere.redirect = url
        with pytest.raises(RemoteError, match="another server.*--redirects"):
            hosting.fetch(f"{other}/{PLACE}", tmp_path / "refused")
        assert not there.asked
        hosting.fetch(f"{other}/{PLACE}", tmp_path / "asked", redirects=True)


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
            hosting.fetch(f"{url}/{PLACE}", tmp_path)
        manners.bytes_per_second, manners.slow_headers = 0, False


def test_space_is_compared_before_anything_is_fetched(web, tmp_path, monkeypatch):
    manners, usage = Manners(), shutil.disk_usage("/")
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: usage._replace(free=size_of(web / PLACE) - 1)
    )
    with serving(web, manners) as url:
        with pytest.raises(HostingError, match="needs .* GB, but .* has"):
            hosting.fetch(f"{url}/{PLACE}", tmp_path)
        assert set(manners.sent) == {fields.CHECKSUMS_FILE}
        (web / PLACE / "README.md").unlink()
        huge = checksums.read(web / PLACE)
        huge["README.md"] = checksums.FileChecksum("0" * 64, 1 << 61)
        (web / PLACE / fields.CHECKSUMS_FILE).write_bytes(checksums.render(huge))
        with pytest.raises(HostingError, match="needs 2.31e"):
            hosting.fetch(f"{url}/{PLACE}", tmp_path)


def test_a_dataset_that_names_other_code_is_refused(web, tmp_path):
    features = web / PLACE / fields.FEATURES_FILE
    features.write_text(features.read_text().replace("tensorflow_datasets.", "evil."))
    (web / PLACE / fields.CHECKSUMS_FILE).unlink()
    checksums.seal(web / PLACE)
    for _ in range(2):
        with pytest.raises(UserError, match="evil"):
            hosting.fetch(str(web / PLACE), tmp_path / "here")
    assert list((tmp_path / "here" / NAME).glob("[!.]*")) == []


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
    path = web / PLACE / fields.LICENSE_FILE
    path.rename(tmp_path / "outside")
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(tmp_path / "outside")
    words = "no regular file" if kind == "pipe" else "link that leads out"
    with pytest.raises(RemoteError, match=words):
        hosting.fetch(str(web / PLACE), tmp_path / "here")
    with pytest.raises(RemoteError, match=words):
        hosting.upload(version, str(web), NAME, VERSION)
    with pytest.raises((RemoteError, DatasetDamagedError), match=words):
        hosting.upload(web / PLACE, str(tmp_path / "copy"), NAME, VERSION)
