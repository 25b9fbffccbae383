"""Export of learning curves and results to Weights & Biases."""

import json
import sys
import types

import pytest

from wtl.datasets.contract.errors import UserError
from wtl.evaluation import learning_curve, wandb_export


class _Run:
    """Offline run of a stand-in for the package, which CI does not install."""

    def __init__(self, **settings):
        self.settings, self.logged, self.summary = settings, [], {}

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass

    def log(self, metrics, step):
        self.logged.append((step, metrics))


def test_policies_and_evaluations_become_runs(finished_run, tmp_path, monkeypatch):
    begun = []
    stand_in = types.SimpleNamespace(
        Settings=dict,
        init=lambda **settings: begun.append(_Run(**settings)) or begun[-1],
    )
    monkeypatch.setitem(sys.modules, "wandb", stand_in)
    count = wandb_export.export(finished_run, tmp_path / "out")
    assert count == len(begun)
    runs = {run.settings["name"].partition("/")[2]: run for run in begun}
    curves = learning_curve.learning_curves(finished_run / "logs")
    assert {name: run.logged for name, run in runs.items() if run.logged} == curves
    results = json.loads((finished_run / "evaluation/results.json").read_text())
    found = runs["evaluation"]
    success = results["methods"]["wtl"]["overall"]["success"]
    assert found.summary["wtl/overall/success"] == success
    assert found.settings["config"]["split"] == "test"
    assert found.settings["mode"] == "offline"
    assert "run.seed = " in found.settings["config"]["gin"]


def test_the_package_itself_writes_them(finished_run, tmp_path):
    pytest.importorskip("wandb")
    count = wandb_export.export(finished_run, tmp_path / "out")
    assert len(list(tmp_path.glob("out/wandb/offline-run-*/*.wandb"))) == count


def test_what_cannot_be_exported_says_why(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UserError, match=r"pip install 'wtl\[wandb\]'"):
        wandb_export.export(tmp_path, tmp_path / "out")
    monkeypatch.setitem(sys.modules, "wandb", types.SimpleNamespace())
    with pytest.raises(UserError, match="no folder of a run"):
        wandb_export.export(tmp_path, tmp_path / "out")
    (tmp_path / "config.gin").touch()
    with pytest.raises(UserError, match="neither learning curves nor results"):
        wandb_export.export(tmp_path, tmp_path / "out")
