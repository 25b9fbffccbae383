"""Datasets of other formats, from import to a policy that acts, as the guide says."""

import json
import pathlib
import re
import runpy
import shlex
import shutil
import sys

import fake_lerobot
import fake_rlds
import pytest

import wtl
from tests.viewer.viewed import viewing
from wtl.commands import cli
from wtl.datasets.reading import reader

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "dataset_only"
TINY = """
train_trial.methods = ('mil',)
train_trial.steps = 6
train_trial.batch_size = 8
perception/TrainConfig.steps = 6
perception/TrainConfig.batch_size = 8
"""


def _wtl(*arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main([*map(str, arguments)])
    assert ended.value.code == 0, arguments


def _check_views(run_dir):
    """The viewer shows curves of the named dimensions, and images of each camera."""
    with viewing(run_dir) as viewed:
        row = viewed.get(f"/api/episodes/{viewed.first(split='train')}")
        name = row["metadata"]["episode_id"]
        spec = next(iter(viewed.library.indices.values())).spec
        assert list(row["curves"]["action"]) == list(spec.axes)
        for camera in spec.cameras:
            path = f"/api/episodes/{name}/frames/{camera.name}?first=0&count=2"
            status, headers, _ = viewed.ask(path)
            assert (status, headers.get_content_type()) == (200, "image/png")


def _check_report(run_dir, names):
    results = json.loads((run_dir / "evaluation/offline/results.json").read_text())
    assert results["protocol"]["dimensions"] == list(names)
    assert set(results["methods"]) == {"nearest_demo", "mil"}
    assert "log_likelihood" in results["methods"]["mil"]
    page = (run_dir / "evaluation/offline/report.html").read_text()
    assert all(name in page for name in names)
    return results["protocol"]


def _check_acts(run_dir):
    demos = wtl.load_dataset(run_dir / "datasets/wtl_demos")
    policy = wtl.load_policy(run_dir / "policies/mil")
    policy.reset(demos=[demos[0]])
    observed = {name: demos[1].steps[name][0] for name in policy.observations}
    assert policy.act(observed).shape == demos[0].steps["action"][0].shape


@pytest.mark.slow
def test_the_guide_leads_from_a_recording_to_a_policy_that_acts(
    tmp_path, monkeypatch, capsys
):
    page = (ROOT / "docs/bring_your_own.md").read_text()
    section = page.split("\n## A dataset without an environment\n")[1]
    first, *commands = re.search(r"```\n(.*?)```", section, re.S)[1].splitlines()
    assert first == "cd examples/dataset_only"
    folder = shutil.copytree(EXAMPLE, tmp_path / "example")
    with open(folder / "dataset_only.gin", "a") as file:
        file.write(TINY)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    for program, *arguments in (shlex.split(c, comments=True) for c in commands):
        if program == "python":
            monkeypatch.setattr(sys, "argv", arguments)
            runpy.run_path(arguments[0], run_name="__main__")
        elif arguments[0] == "view":
            _check_views(folder / arguments[1])
        else:
            _wtl(*arguments)
    sys.modules.pop("robot", None)
    protocol = _check_report(folder / "runs/cups", ("x mm/s", "y mm/s"))
    assert (protocol["split"], protocol["episodes"]) == ("test", 10)
    assert "cup: the hand is at" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("source", ("v2.0", "v2.1", "v3.0", "rlds"))
def test_each_format_trains_and_is_evaluated(source, tmp_path):
    run_dir, options = tmp_path / "run", ["--format=lerobot"]
    names = ("dx", "dy", "dz", "turn")
    if source == "rlds":
        builder = fake_rlds.Rich(data_dir=str(tmp_path / "in"))
        builder.download_and_prepare()
        folder, options = builder.data_dir, ["--format=rlds", "--set=control_hz=5"]
        names = ("closed", "move 0", "move 1", "rotation 0", "rotation 1", "rotation 2")
    else:
        folder = fake_lerobot.write(tmp_path / "in", source)
    out = run_dir / "datasets"
    _wtl("import", folder, *options, "--name=wtl_demos", f"--out={out}")
    _wtl("verify", out / "wtl_demos")
    _check_views(run_dir)
    (tmp_path / "tiny.gin").write_text("include 'dataset.gin'\n" + TINY)
    for stage in ("train_trial", "evaluate"):
        _wtl(stage, f"--gin_file={tmp_path}/tiny.gin", f"--run_dir={run_dir}")
    protocol = _check_report(run_dir, names)
    held_out = "val" if source == "rlds" else "held-out tenth of train"
    assert protocol["split"] == held_out
    for episode in reader.iterate_episodes(out / "wtl_demos"):
        assert episode.metadata["instruction"]
    _check_acts(run_dir)
