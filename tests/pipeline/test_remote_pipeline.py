"""The example of a remote world through the stages, and the death of its server."""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import venv

import pytest

from tests import heeding, plain_module
from wtl.collection.worlds import registry
from wtl.collection.worlds.remote import server
from wtl.commands import cli
from wtl.datasets.contract.errors import UserError
from wtl.datasets.storage.staging import iterate_staged
from wtl.pipeline.run_folder import RunFolder
from wtl.pipeline.world_description import require_unchanged

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "remote_world"
# Like simulator.py, but dies in an episode, after a number of control steps.
MORTAL = """
import os, sys
import simulator, wtl_server
steps, step = int(sys.argv[2]), simulator.Cart.step

def counted(env, action):
    global steps
    steps -= 1
    return step(env, action) if steps else os._exit(9)

simulator.Cart.step = counted
wtl_server.serve(simulator.WORLD, int(sys.argv[1]))
"""
CHANGED = """
import dataclasses, sys
import simulator, wtl_server

world = dataclasses.replace(simulator.WORLD, version="2.0.0")
wtl_server.serve(world, int(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def simulator(tmp_path_factory):
    """Folder with the example's simulator and the one file that it needs of WTL."""
    folder = tmp_path_factory.mktemp("simulator")
    shutil.copy(EXAMPLE / "simulator.py", folder)
    shutil.copy(server.__file__, folder / "wtl_server.py")
    (folder / "mortal.py").write_text(MORTAL)
    (folder / "changed.py").write_text(CHANGED)
    return folder


@contextlib.contextmanager
def _serving(simulator, script: str, *arguments, python=sys.executable):
    """Address of the example's server, which runs without WTL."""
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    process = subprocess.Popen(
        heeding.command(script, *map(str, arguments), python=python),
        cwd=simulator,
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield re.search(r"served at (\S+);", process.stdout.readline())[1]
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) in (0, 9)  # 9 if it died
        process.stdout.close()


@pytest.fixture
def environ(monkeypatch):
    """Patches by which the example's client finds its server."""
    yield monkeypatch
    sys.modules.pop("remote_world", None)


def _wtl(environ, address: str, command: str, run_dir, gin_file, *options) -> int:
    """Exit code of a command, which asks the server for the world anew."""
    environ.setenv("CART_ADDRESS", address)
    environ.setattr(registry, "_registered", {})
    sys.modules.pop("remote_world", None)
    with pytest.raises(SystemExit) as ended:
        cli.main([command, f"--gin_file={gin_file}", f"--run_dir={run_dir}", *options])
    return ended.value.code


def _collect(environ, address: str, run_dir) -> int:
    sizes = ("train_tasks = 14", "val_tasks = 2", "test_tasks = 2")
    bindings = [f"--gin_bindings=suite.{size}" for size in sizes]
    bindings.append("--gin_bindings=collect_demos.noise = 0.02")
    gin_file = EXAMPLE / "remote_world.gin"
    return _wtl(environ, address, "collect_demos", run_dir, gin_file, *bindings)


def _demos(run_dir) -> dict:
    lineage = json.loads((run_dir / "lineage.json").read_text())
    return lineage["collect_demos"]["outputs"]


def test_a_server_that_dies_in_an_episode_costs_nothing(
    simulator, environ, tmp_path, capfd
):
    text = (EXAMPLE / "remote_world.py").read_text()
    hasty = text.replace('8767")', '8767"), retries=1')
    assert hasty != text
    (tmp_path / "remote_world.py").write_text(hasty)
    environ.syspath_prepend(tmp_path)
    run_dir = tmp_path / "run"
    # Of four shards, 16 episodes of 20 steps in most.
    with _serving(simulator, "mortal.py", 0, 16 * 20 * 3) as address:
        assert _collect(environ, address, run_dir) == 1
    error = capfd.readouterr().err.strip().splitlines()[-1]
    assert f"'cart' at {address}: nothing" in error and "rerun the command" in error
    (staging,) = (run_dir / "staging").iterdir()
    staged = len(list(iterate_staged(staging)))
    assert staged
    # It listens where it did.
    port = address.rpartition(":")[2]
    with _serving(simulator, "simulator.py", port):
        assert _collect(environ, address, run_dir) == 0
        assert _collect(environ, address, tmp_path / "undisturbed") == 0
    assert f"{staged}/58" in capfd.readouterr().err
    assert _demos(run_dir) == _demos(tmp_path / "undisturbed")
    # Another world under the same name does not continue the run.
    with _serving(simulator, "changed.py", port):
        assert _collect(environ, address, run_dir) == 1
    error = capfd.readouterr().err.strip().splitlines()[-1]
    assert "has changed: version is 2.0.0" in error


@pytest.mark.parametrize(
    ("changes", "said"),
    (
        ({"horizon": 9}, "horizon is 9"),
        ({"observation": {}}, "observation robot/position is absent"),
    ),
)
def test_a_world_with_another_spec_does_not_continue_a_run(tmp_path, changes, said):
    world, folder = plain_module.POINT, RunFolder(tmp_path)
    for _ in range(2):
        require_unchanged(world, folder)
    changed = dataclasses.replace(world.spec, **changes)
    with pytest.raises(UserError, match=f"'plain_point' has changed: {said}"):
        require_unchanged(dataclasses.replace(world, spec=changed), folder)


@pytest.mark.slow
def test_all_stages_with_another_interpreter(simulator, environ, tmp_path):
    environ.syspath_prepend(EXAMPLE)
    environ.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{EXAMPLE}")  # workers of Beam
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    pins = ("numpy<2", "protobuf<6", "dm-env", "dm-env-rpc")
    subprocess.run([python, "-m", "pip", "install", "-q", *pins], check=True)
    gin_file = tmp_path / "tiny.gin"
    gin_file.write_text(
        f"import remote_world\ninclude '{ROOT}/tests/tiny.gin'\n"
        "suite.domain = 'cart'\nsuite.train_tasks = 20\n"
    )
    run_dir = tmp_path / "run"
    with _serving(simulator, "simulator.py", 0, python=python) as address:
        assert _wtl(environ, address, "run", run_dir, gin_file) == 0
        beam = (run_dir.with_name("beam"), gin_file, "--runner=beam")
        assert _wtl(environ, address, "collect_demos", *beam) == 0
    assert _demos(run_dir) == _demos(beam[0])
    results = json.loads((run_dir / "evaluation" / "results.json").read_text())
    assert results["protocol"]["world"] == "cart"
    assert results["methods"]["wtl"]["overall"]["n"] == 10
