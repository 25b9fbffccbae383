"""A finished run that test files share."""

import fcntl
import os
import pathlib

import pytest

import wtl


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """Run of `tiny.gin` that all test processes share; a test that writes copies it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    tiny = pathlib.Path(__file__).resolve().parents[1] / "tiny.gin"
    with open(folder / "finished_run.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (done := folder / "finished_run/done").exists():
            return done.with_name("run")
        wtl.run(tiny, done.with_name("run"))
        done.touch()
    return done.with_name("run")
