"""Method and world of a module that a gin file imports, also in workers."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from wtl.collection import worker
from wtl.commands import cli
from wtl.datasets.contract.errors import UserError
from wtl.pipeline import stages
from wtl.policies.methods import CONDITIONS, METHODS, register

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = f"""
import plugin_module

include '{ROOT}/tests/tiny.gin'

suite.domain = 'desk'
train_trial.methods = ('mil_small',)
mil_small/ContextualConfig.components = 3
evaluate.conditions = ('mil_small',)
"""


def _stage(run_dir, stage: str, *options: str) -> int:
    """Perform a stage in another process; return how many imported the module."""
    imported = run_dir.parent / "imported"
    imported.mkdir()
    path = [os.fspath(ROOT), os.environ.get("PYTHONPATH")]
    known = {"PYTHONPATH": ":".join(filter(None, path))}
    # With -P, as in the console script, Python does not look in the current folder.
    command = [sys.executable, "-P", "-m", "wtl", stage, f"--run_dir={run_dir}"]
    subprocess.run(
        [*command, f"--gin_file={run_dir.parent / 'plugin.gin'}", *options],
        check=True,
        env=os.environ | known | {"WTL_TEST_IMPORTED": os.fspath(imported)},
    )
    count = len(list(imported.iterdir()))
    shutil.rmtree(imported)
    return count


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A finished run, and the processes that imported the module in each stage."""
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "plugin.gin").write_text(CONFIG)
    shutil.copy(ROOT / "tests/plugin_module.py", folder)
    names = ("collect_demos", "train_trial", "evaluate")
    return folder / "run", {name: _stage(folder / "run", name) for name in names}


def test_all_stages_know_method_and_world(played):
    run_dir, _ = played
    results = json.loads((run_dir / "evaluation/results.json").read_text())
    assert list(results["methods"]) == ["mil_small"]
    assert results["methods"]["mil_small"]["overall"]["n"] == 10
    lineage = json.loads((run_dir / "lineage.json").read_text())
    network = lineage["train_trial"]["parameters"]["networks"]["mil_small"]
    assert results["protocol"]["world"] == "desk"
    assert (network["hidden"], network["components"]) == ([16], 3)


def test_workers_import_the_module(played):
    _, processes = played
    # The command, with two workers or one process that trains.
    workers = {stage: count - 1 for stage, count in processes.items()}
    assert workers == {"collect_demos": 2, "train_trial": 1, "evaluate": 2}


# Workers of each kind are given the same list of modules.
@pytest.mark.slow
def test_beam_workers_import_the_module(played):
    pytest.importorskip("apache_beam")
    option = "--gin_bindings=evaluate.scenes_per_task=1"
    assert _stage(played[0], "evaluate", option, "--runner=beam") > 1


def test_a_module_of_the_current_folder_is_found(tmp_path, monkeypatch):
    (tmp_path / "module_here.py").write_text("")
    (tmp_path / "below").mkdir()
    (tmp_path / "below/one.gin").write_text("import module_here\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])
    stages.configure("below/one.gin", [])
    assert "module_here" in worker.plugins()[0]
    assert os.fspath(tmp_path) in worker.plugins()[1]
    monkeypatch.setattr(worker, "_modules", {})


_BROKEN = """
import numpy as np
import wtl
from tests import plain_module

class Broken(plain_module.Point):
    def step(self, action):
        timestep = super().step(action)
        if self._step == 2:
            self.position = np.full(2, np.nan)
            return timestep._replace(observation=self._observation())
        return timestep

WORLD = wtl.worlds.dm_env(
    "broken_point",
    lambda task, seed: Broken(task.parameters["goal"], seed),
    plain_module.tasks,
    horizon=4,
    expert=plain_module.expert,
)
if "broken_point" not in wtl.worlds.names():
    wtl.worlds.register(WORLD)
"""


def test_a_world_that_breaks_its_spec_is_one_line(tmp_path, capsys):
    (tmp_path / "broken_world.py").write_text(_BROKEN)
    (tmp_path / "broken.gin").write_text(
        f"import broken_world\ninclude '{ROOT}/tests/tiny.gin'\n"
        "suite.domain = 'broken_point'\n"
    )
    run_dir = tmp_path / "run"
    with pytest.raises(SystemExit, match="^1$"):
        cli.main(["run", f"--gin_file={tmp_path}/broken.gin", f"--run_dir={run_dir}"])
    assert re.fullmatch(
        r"wtl: world 'broken_point', task 'train-\d+', scene seed \d+: step 2: "
        "observation 'robot/position' is not finite",
        capsys.readouterr().err.strip().splitlines()[-1],
    )
    assert not (run_dir / "datasets").exists()


def test_a_module_that_is_missing_is_one_line(tmp_path, capsys):
    path = tmp_path / "wrong.gin"
    path.write_text("import no_such_module\n")
    with pytest.raises(SystemExit) as ended:
        cli.main(["evaluate", f"--gin_file={path}", f"--run_dir={tmp_path / 'run'}"])
    assert ended.value.code == 1
    error = capsys.readouterr().err.strip()
    assert "no_such_module" in error and "PYTHONPATH" in error
    assert len(error.splitlines()) == 1


def test_a_module_that_fails_is_named(tmp_path, monkeypatch):
    (tmp_path / "failing_world.py").write_text("int('one')\n")
    (tmp_path / "wrong.gin").write_text("import failing_world\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="module failing_world, .*: ValueError") as told:
        stages.configure(str(tmp_path / "wrong.gin"), [])
    assert "Configurable" not in str(told.value)


def test_commands_find_modules_of_the_current_folder(tmp_path, monkeypatch, capsys):
    (tmp_path / "module_here.py").write_text("")
    (tmp_path / "here.gin").write_text("import module_here\nsuite.domain = 'none'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])
    with pytest.raises(SystemExit):
        cli.main(["evaluate", "--gin_file=here.gin"])
    assert "suite.domain is 'none'" in capsys.readouterr().err


def test_a_name_is_registered_once():
    known = dict(METHODS), dict(CONDITIONS)
    with pytest.raises(ValueError, match="'mil' already"):
        register(METHODS["mil"])
    assert (METHODS, CONDITIONS) == known
