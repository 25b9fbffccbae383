"""`wtl meta_rl` as a user meets it, and how its trials are counted."""

import csv
import dataclasses
import json
import pathlib
import shutil
import xml.dom.minidom

import pytest

from wtl.collection.worlds.entities import oracle_bound
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.commands import cli
from wtl.evaluation import trial_results
from wtl.evaluation.trial_results import TrialRow
from wtl.pipeline import stages  # noqa: F401  (its imports print notices)
from wtl.policies.methods import label

ROOT = pathlib.Path(__file__).resolve().parents[2]
TINY = str(ROOT / "tests" / "tiny.gin")
CARTS = str(ROOT / "tests" / "carts.gin")
METHODS = ("pearl", "rl2", "promp", "promp_without_step")
_ROUND = {"tasks_per_round": 4, "trials_per_task": 2}
_FIELDS = {
    "PearlConfig": {
        "meta_batch": 2,
        "batch": 4,
        "updates_per_round": 2,
        "first_rounds": 1,
    },
    "Rl2Config": {"epochs": 1, "minibatches": 1, "memory": 8},
    "PrompConfig": {"pre_trials": 1, "epochs": 1, "hidden": (8,)},
}


def _meta_rl(
    run_dir, method, *bindings: str, world="point_robot", gin_file=TINY
) -> int:
    steps = 2 * 4 * 2 * {"tabletop": 40, "carts": 12}.get(world, 20)
    lines = (
        f"meta_rl.method='{method}'",
        f"meta_rl.world='{world}'",
        f"meta_rl.env_steps={steps}",
        "meta_rl.trials=3",
        "meta_rl.evaluations=2",
        "meta_rl.scenes_per_task=2",
        *(
            f"meta_rl/{config}.{field}={value}"
            for config, own in _FIELDS.items()
            for field, value in (own | _ROUND).items()
        ),
        *bindings,
    )
    with pytest.raises(SystemExit) as ended:
        cli.main(
            ["meta_rl", f"--gin_file={gin_file}", f"--run_dir={run_dir}"]
            + [f"--gin_bindings={line}" for line in lines]
        )
    return ended.value.code


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(name, marks=() if "promp" in name else pytest.mark.slow)
        for name in METHODS
    ],
)
def test_point_robots_are_learnt_measured_and_done_once(method, tmp_path, capsys):
    assert _meta_rl(tmp_path, method) == 0
    assert "success in percent in the n-th trial" in capsys.readouterr().out
    folder = tmp_path / "meta_rl" / method
    results = json.loads((folder / "results.json").read_text())
    assert results["protocol"]["tasks"] == 5  # test tasks of tiny.gin
    assert list(results["trials"]) == ["1", "2", "3"]
    for found in results["trials"].values():
        assert found["n"] == found["return"]["n"] == 5
        assert found["ci95"][0] <= found["success"] <= found["ci95"][1]
        assert -40 < found["return"]["mean"] < 0
    assert [point["env_steps"] for point in results["curve"]] == [160, 320]
    with open(folder / "trials.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5 * 3 and {row["trial"] for row in rows} == {"1", "2", "3"}
    xml.dom.minidom.parse(str(folder / "figure.svg"))
    assert "meta_rl.method" in (tmp_path / "config.gin").read_text()
    lineage = json.loads((tmp_path / "lineage.json").read_text())
    assert {f"train_{method}", f"evaluate_{method}"} <= lineage.keys()
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.index")}
    shutil.copytree(folder, folder.parent / "maml_rl")
    assert _meta_rl(tmp_path, method) == 0
    report = (tmp_path / "meta_rl" / "report.html").read_text()
    for name in (method, "maml_rl"):  # all methods of the run folder
        assert f"<h2>{label(name)}</h2>" in report
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.index")} == before
    # Another number of scenes or split measures anew, and trains nothing.
    assert _meta_rl(tmp_path, method, "meta_rl.scenes_per_task=1") == 0
    measured = (folder / "results.json").read_text()
    assert _meta_rl(tmp_path, method, "meta_rl.split='val'") == 0
    assert (folder / "results.json").read_text() == measured
    of_val = json.loads((folder / "val" / "results.json").read_text())
    assert of_val["protocol"]["split"] == "val"
    assert label(method) in (tmp_path / "meta_rl" / "val" / "report.html").read_text()
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.index")} == before


@pytest.mark.slow
@pytest.mark.parametrize("method", ["pearl", "rl2", "promp"])
def test_gripper_tasks_are_learnt_and_measured_in_the_scenes_of_wtl(method, tmp_path):
    assert _meta_rl(tmp_path, method, world="tabletop") == 0
    folder = tmp_path / "meta_rl" / method
    results = json.loads((folder / "results.json").read_text())
    assert results["trials"]["3"]["n"] == 5 * 2
    assert set(results["families"]) == {"press", "grasp", "push", "slide", "stack"}
    assert results["ceiling"] == pytest.approx({"1": 2 / 15, "2": 4 / 15, "3": 6 / 15})
    with open(folder / "trials.csv", newline="") as file:
        names = {(row["task_id"], row["pair"]) for row in csv.DictReader(file)}
    assert len(names) == 10 and all(task.startswith("test-") for task, _ in names)


_STRIKES = (
    "suite.size=2",
    "suite.families=('slide',)",
    "suite.scenes_per_task=1",
    "suite.train_tasks=4",
    "suite.puck=@puck()",
    "suite.val_tasks=2",
    "suite.test_tasks=3",
    "meta_rl.scenes_per_task=1",
    "meta_rl.evaluations=1",
    "meta_rl/StrikesConfig.generator_steps=5",
    "meta_rl/StrikesConfig.updates_per_round=2",
    "meta_rl/StrikesConfig.tasks_per_round=4",
    "meta_rl/StrikesConfig.trials_per_task=2",
)


@pytest.mark.slow
def test_strikes_are_measured_in_centimetres_and_controls_play_the_same_policy(
    tmp_path, capsys
):
    assert _meta_rl(tmp_path, "latent_strikes", *_STRIKES, world="strikes") == 0
    shown = capsys.readouterr().out
    assert "error, cm" in shown and "friction_below, error, cm" in shown
    trained = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.index")}
    control = "latent_strikes_another_puck"
    assert _meta_rl(tmp_path, control, *_STRIKES, world="strikes") == 0
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.index")} == trained
    own, other = (
        json.loads((tmp_path / "meta_rl" / name / "results.json").read_text())
        for name in ("latent_strikes", control)
    )
    assert other["protocol"]["method"] == control
    families = {"inside", "friction_below", "friction_above"}
    for results in (own, other):
        assert set(results["families"]) == families and results["trials"]["1"]["n"] == 9
    # Without a trial yet, both have made the same strike.
    assert own["trials"]["1"] == other["trials"]["1"]
    assert own["trials"]["1"]["error_cm"]["mean"] == pytest.approx(
        -100 * own["trials"]["1"]["return"]["mean"]
    )
    assert own["families"]["inside"]["1"]["ratio_to_first"]["ratio"] == 1


def test_tasks_of_a_world_of_ones_own_are_learnt_from_trials(tmp_path, capsys):
    assert _meta_rl(tmp_path, "promp", world="carts", gin_file=CARTS) == 0
    assert "success in percent in the n-th trial" in capsys.readouterr().out
    results = json.loads((tmp_path / "meta_rl/promp/results.json").read_text())
    assert set(results["families"]) == {"weak", "reversed"}
    assert results["ceiling"] == dict.fromkeys("123")
    # The way forwards, at most half a metre in each of 11 steps, then the success.
    assert all(abs(t["return"]["mean"]) < 6.5 for t in results["trials"].values())


def test_pucks_without_hidden_dynamics_are_refused(tmp_path, capsys):
    assert _meta_rl(tmp_path, "latent_strikes", world="strikes") == 1
    assert "set suite.puck = @puck()" in capsys.readouterr().err


def test_latent_strikes_need_strikes(tmp_path, capsys):
    assert _meta_rl(tmp_path, "latent_strikes") == 1
    assert "set meta_rl.world = 'strikes'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("binding", "said"),
    [
        ("meta_rl.method='maml'", "choose from pearl, rl2"),
        ("meta_rl.world='moon'", "choose from tabletop, point_robot"),
        ("meta_rl/PearlConfig.latents=5", "latents"),
        ("meta_rl/PrompConfig.credit='dise'", "choose from likelihood_ratio, dice"),
        ("meta_rl/PrompConfig.trials_per_task=1", "larger than pre_trials, 1"),
        ("meta_rl.split='train'", "choose from val, test"),
        ("meta_rl/PrompConfig.alpha=-0.1", "0 or more"),
        ("suite.test_tasks=0", "suite.test_tasks is 0, but meta_rl needs such"),
        ("meta_rl.trials=0", "1 or more"),
        ("camera.pixels=64", "set camera.pixels to 0"),
    ],
)
def test_wrong_configurations_are_refused_in_one_line(binding, said, tmp_path, capsys):
    method = "promp" if "PrompConfig" in binding else "pearl"
    assert _meta_rl(tmp_path, method, binding) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and said in lines[0]
    assert not (tmp_path / "policies").exists()


def test_a_training_that_diverges_says_so_in_one_line(tmp_path, capsys):
    rate = "meta_rl/PrompConfig.learning_rate=1e20"
    assert _meta_rl(tmp_path, "promp", rate) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert "diverged within 320 environment steps; lower the learning rate" in last
    assert not (tmp_path / "meta_rl").exists()


def test_results_count_trials_by_task_and_family():
    rows = [
        TrialRow("pearl", f"task{task}", family, 0, trial, trial > task, 2.0 * trial)
        for task, family in enumerate(("press", "grasp"))
        for trial in (1, 2)
    ]
    about = {"method": "pearl", "env_steps": 100, "tasks": 2, "split": "test"}
    results = trial_results.results(rows, about, lambda number: number / 15, [])
    assert results["trials"]["1"]["success"] == 0.5
    assert results["trials"]["2"]["success"] == 1.0
    assert results["trials"]["2"]["return"]["mean"] == 4.0
    assert results["families"]["grasp"]["1"] == {
        "success": 0.0,
        "ci95": pytest.approx([0, 0.994], abs=1e-3),
        "n": 1,
        "return": {"mean": 2.0, "ci95": [2.0, 2.0], "n": 1},
    }
    table = trial_results.format_table(results)
    assert "100 environment steps" in table and "oracle bound" in table


def test_an_ideal_agent_has_found_every_task_after_fifteen_trials():
    prior = oracle_bound.Prior.of(TaskDistribution(), "test")
    assert oracle_bound.nth_trial(prior, 1) == pytest.approx(2 / 15)
    assert oracle_bound.nth_trial(prior, 10) == pytest.approx(13 / 15)
    assert oracle_bound.nth_trial(prior, 15) == oracle_bound.nth_trial(prior, 99) == 1


def test_an_ideal_agent_with_the_motors_wrong_is_one_trial_behind():
    prior = oracle_bound.Prior.of(TaskDistribution(), "test")
    prior = dataclasses.replace(prior, motors=0.25)
    assert oracle_bound.nth_trial(prior, 1) == pytest.approx(0.5 / 15)
    assert oracle_bound.nth_trial(prior, 3) == pytest.approx((0.25 * 6 + 0.75 * 4) / 15)
    assert oracle_bound.nth_trial(prior, 12) < oracle_bound.nth_trial(prior, 13) == 1
