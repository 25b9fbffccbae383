"""Learning tests: the trained policies beat their baselines on held-out tasks."""

import json
import pathlib

import pytest

from wtl import cli

ROOT = pathlib.Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_quickstart_order_and_margin(tmp_path):
    with pytest.raises(SystemExit) as ended:
        cli.main(
            [
                "run",
                f"--gin_file={ROOT}/gin_configs/quickstart.gin",
                f"--run_dir={tmp_path}/run",
            ]
        )
    assert ended.value.code == 0
    results = json.loads((tmp_path / "run/evaluation/results.json").read_text())
    methods = {k: v["overall"]["success"] for k, v in results["methods"].items()}
    assert methods["wtl"] > methods["mil"] > methods["bc"]
    assert results["paired"]["wtl_vs_mil"]["difference"] >= 0.15
    assert results["paired"]["wtl_vs_mil"]["ci95"][0] > 0
    failed = results["paired"]["after_failed_trial"]
    assert failed["wtl"]["success"] > failed["mil_second_try"]["success"]
