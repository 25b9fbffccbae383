"""A version, and a server that shows it."""

import pytest

from tests.datasets.hosting.hosted import NAME, VERSION, make
from wtl.datasets.hosting import hosting


@pytest.fixture(scope="session")
def version(tmp_path_factory):
    return make(tmp_path_factory.mktemp("made"))


@pytest.fixture
def web(version, tmp_path):
    """The root of a web server that shows the version."""
    hosting.upload(version, str(tmp_path / "web"), NAME, VERSION)
    return tmp_path / "web"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(hosting, "_PAUSE_SECONDS", 0)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
