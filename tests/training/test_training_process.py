"""Tests of training jobs in processes of their own."""

import os
import pathlib
import subprocess
import sys
import time

import pytest
from fake_jobs import Rendering, Told

from wtl.collection.worker import WorkerError
from wtl.training import process

ROOT = pathlib.Path(__file__).resolve().parents[2]
_PARENT = """
import pathlib, sys
sys.path[:0] = [{root!r}, {tests!r}]
from fake_jobs import Endless
from wtl.training import process
if __name__ == "__main__":
    process.run_all([Endless(pathlib.Path(sys.argv[1]))], 1)
"""


def _wait(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return False
    return state[0] != "Z"


def test_results_come_in_order():
    assert process.run_all([Told("a"), Told("b"), Told("c")], 2) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("problem", "said"), [("it is full", "it is full"), ("death", "process of the job")]
)
def test_a_failure_is_named(problem, said):
    with pytest.raises(WorkerError, match=said):
        process.run_all([Told("", problem)], 1)


def test_a_job_trains_whatever_renders_elsewhere(monkeypatch):
    # MuJoCo would open Mesa's OpenGL, which crashes a TensorFlow imported after it.
    monkeypatch.setenv("MUJOCO_GL", "egl")
    assert process.run_all([Rendering()], 1) == ["disable, trained"]
    assert os.environ["MUJOCO_GL"] == "egl"


@pytest.mark.skipif(not pathlib.Path("/proc").exists(), reason="needs /proc")
def test_a_job_ends_with_a_parent_that_was_killed(tmp_path):
    script, said = tmp_path / "parent.py", tmp_path / "pid"
    script.write_text(_PARENT.format(root=str(ROOT), tests=str(ROOT / "tests")))
    parent = subprocess.Popen([sys.executable, str(script), str(said)])
    _wait(lambda: said.exists() and said.read_text())
    job = int(said.read_text())
    assert _is_alive(job)
    parent.kill()
    parent.wait()
    _wait(lambda: not _is_alive(job))
