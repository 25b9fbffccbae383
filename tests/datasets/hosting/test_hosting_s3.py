"""Published versions in an object store, by a server that speaks S3."""

import pytest

pytest.importorskip("s3fs", reason="needs s3fs: pip install -e '.[dev]'")
moto_server = pytest.importorskip("moto.server", reason="needs moto, flask")

import fsspec  # noqa: E402

from tests.datasets.hosting.hosted import NAME, PLACE, VERSION  # noqa: E402
from wtl.datasets.hosting import hosting  # noqa: E402
from wtl.datasets.hosting.hosting import HostingError  # noqa: E402
from wtl.datasets.hosting.remote_folder import RemoteError  # noqa: E402
from wtl.datasets.storage import checksums  # noqa: E402
from wtl.datasets.storage.verify import verify  # noqa: E402

_BASE = "s3://lab/sub/folder"


@pytest.fixture
def store(monkeypatch):
    """A file system of an object store with a bucket `lab`."""
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    found = fsspec.filesystem("s3", use_listings_cache=False)
    found.mkdir("lab")
    yield found
    found.rm("lab", recursive=True)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    server.stop()


def _upload(version):
    return hosting.upload(version, _BASE, NAME, VERSION)


def test_there_and_back(store, version, tmp_path):
    done = _upload(version)
    assert done.moved == done.files
    assert _upload(version).moved == 0
    done = hosting.fetch(f"{_BASE}/{PLACE}", tmp_path / "here")
    assert done.moved == done.files
    here = tmp_path / "here" / PLACE
    assert verify(here) == []
    assert checksums.read(here) == checksums.read(version)
    shard = next(here.glob("*.tfrecord-*"))
    shard.unlink()
    done = hosting.fetch(f"{_BASE}/{PLACE}", tmp_path / "here")
    assert done.moved == 1 and done.bytes == shard.stat().st_size


def test_a_half_way_file_is_resumed(store, version, tmp_path):
    _upload(version)
    shard = next(version.glob("*.tfrecord-*"))
    data = shard.read_bytes()
    partial = tmp_path / "here" / NAME / ".1.0.0.partial"
    partial.mkdir(parents=True)
    (partial / f".{shard.name}.part").write_bytes(data[:1000])
    total = sum(entry.size for entry in checksums.read(version).values())
    done = hosting.fetch(f"{_BASE}/{PLACE}", tmp_path / "here")
    assert done.bytes == total - 1000
    assert verify(tmp_path / "here" / PLACE) == []


def test_an_interrupted_upload_goes_on(store, version, tmp_path, monkeypatch):
    real, puts = hosting.RemoteFolder.put, []

    def put(self, name, source):
        puts.append(name)
        if len(puts) == 4:
            raise KeyboardInterrupt
        real(self, name, source)

    with monkeypatch.context() as patch:
        patch.setattr(hosting.RemoteFolder, "put", put)
        with pytest.raises(KeyboardInterrupt):
            _upload(version)
    with pytest.raises(HostingError, match="no published version"):
        hosting.fetch(f"{_BASE}/{PLACE}", tmp_path / "here")
    done = _upload(version)
    assert done.moved == done.files - 3


def test_damage_and_absence_are_named(store, version, tmp_path):
    _upload(version)
    shard = next(version.glob("*.tfrecord-*"))
    data = bytearray(shard.read_bytes())
    data[500] ^= 1
    store.pipe_file(f"lab/sub/folder/{PLACE}/{shard.name}", bytes(data))
    with pytest.raises(HostingError, match=f"{shard.name} does not fit"):
        hosting.fetch(f"{_BASE}/{PLACE}", tmp_path / "here")
    assert _upload(version).moved == 1
    store.rm(f"lab/sub/folder/{PLACE}/{shard.name}")
    with pytest.raises(HostingError, match=f"{shard.name} is missing"):
        hosting.fetch(f"{_BASE}/{PLACE}", tmp_path / "here")
    with pytest.raises(HostingError, match="no published version"):
        hosting.fetch(f"s3://nowhere/{PLACE}", tmp_path / "here")


def test_no_bucket_no_upload(store, version):
    with pytest.raises(RemoteError, match="nowhere"):
        hosting.upload(version, "s3://nowhere", NAME, VERSION)
