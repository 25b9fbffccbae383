"""Shared set-up of the tests."""

import fcntl
import os
import pathlib

import pytest
from browsing import CHROMIUM

import wtl
import wtl.policies  # noqa: F401  (asks for Keras 2 before anything imports TF-Agents)
from wtl import notices
from wtl.collection import worker

notices.quiet()


@pytest.fixture(scope="module", autouse=True)
def own_plugins():
    """Let workers import no plug-in of an earlier file: its server may have ended."""
    worker._modules.clear()
    worker._folders.clear()


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """Run of `tiny.gin` that all test processes share; a test that writes copies it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    tiny = pathlib.Path(__file__).with_name("tiny.gin")
    with open(folder / "finished_run.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (done := folder / "finished_run/done").exists():
            return done.with_name("run")
        wtl.run(tiny, done.with_name("run"))
        done.touch()
    return done.with_name("run")


@pytest.fixture(scope="module")
def chromium():
    """A headless browser; tests of pages are skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield found
        found.close()


# Parts of the names of long files: begun last, one process would wait for the other.
_LONG = ("pipeline", "/api/", "/teach/", "/teleop/", "/training/")
_LONG += ("/viewer/", "test_examples")


def pytest_collection_modifyitems(items):
    """Order tests: those that compile with XLA, then long files, then the others.

    XLA and Mesa's llvmpipe each bring an LLVM; XLA crashes where Mesa came first in the
    same process.
    """

    def rank(item) -> int:
        if "test_bc_sac" in item.nodeid:
            return 0
        return 1 if any(part in item.nodeid for part in _LONG) else 2

    items.sort(key=rank)
