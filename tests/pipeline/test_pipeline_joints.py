"""The whole pipeline with an arm that is commanded by its joints."""

import json

import pytest

from tests.pipeline.tiny import perform
from wtl.datasets.contract import fields
from wtl.datasets.reading import reader

_JOINTS = "suite.domain = 'tabletop_joints'"


@pytest.mark.slow
def test_every_stage_runs_with_and_without_structure_or_workers(tmp_path):
    run_dir = tmp_path / "run"
    settings = ("mil/ContextualConfig.encoder = 'rows'", "run.workers = 0")
    assert perform("run", run_dir, _JOINTS, *settings) == 0
    results = json.loads((run_dir / "evaluation/results.json").read_text())
    assert results["protocol"]["world"] == "tabletop_joints"
    assert results["protocol"]["robot"] == "ur10e"
    assert {"mil", "wtl"} <= set(results["methods"])
    played = reader.read(run_dir / f"datasets/{fields.WTL_EVALUATIONS}")
    assert played.action.shape[-1] == 7


def test_policies_that_act_on_images_are_refused_before_work(tmp_path, capsys):
    assert perform("run", tmp_path / "run", _JOINTS, "camera.pixels = 32") == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "needs a world with `perception`" in error
    assert "'tabletop_joints' has none" in error
    assert "choose one of tabletop" in error
    assert not (tmp_path / "run/datasets").exists()
