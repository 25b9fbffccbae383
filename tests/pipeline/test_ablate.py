"""A grid of ablations as a user meets it: shared, interrupted, broken."""

import json
import os
import pathlib
import shutil

import gin
import pytest

from wtl.commands import cli
from wtl.datasets.contract import fields
from wtl.datasets.reading import reader
from wtl.pipeline import stages
from wtl.pipeline.bindings import bound
from wtl.pipeline.rehearsal import Rehearsal
from wtl.policies.methods import CONDITIONS, METHODS
from wtl.training.policy_config import config_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "gin_configs"
SHIPPED = CONFIGS / "ablations"
GRIDS = (
    "ablations",
    "baselines",
    "disturbances",
    "dynamics",
    "first_try",
    "heads",
    "maml_ablations",
    "pucks_heads",
    "tabletop_hard_ablations",
    "tabletop_hard_rules",
)
GRID = {
    "base": f"""
include '{ROOT / "tests" / "tiny.gin"}'
train_trial.methods = ('mil',)
collect_trials.sources = ('mil',)
evaluate.split = 'val'
evaluate.conditions = ('mil', 'wtl')
ablation.label = 'Base'
ablation.conditions = ('wtl', 'mil')
""",
    "another": """
ablation.label = 'Trial of another task'
ablation.conditions = ('wtl',)
wtl/ContextualConfig.trials_from = 'another_task'
""",
    "broken": "wtl/ContextualConfig.head = 'no_such_head'",
    "new_scene": """
ablation.conditions = ('wtl_new_scene',)
evaluate.conditions = ('mil', 'wtl_new_scene')
""",
}


def _wtl(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    return ended.value.code


def _ablate(grid, run_dir, *further: str) -> int:
    return _wtl("ablate", f"--gin_dir={grid}", f"--run_dir={run_dir}", *further)


def _times(run_dir) -> dict[pathlib.Path, int]:
    made = [*run_dir.rglob("*.tfrecord*"), *run_dir.rglob("saved_model.pb")]
    return {path: path.stat().st_mtime_ns for path in made}


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grid")
    for name, text in GRID.items():
        included = "" if name == "base" else f"include '{folder / 'base.gin'}'\n"
        (folder / f"{name}.gin").write_text(included + text)
    return folder


@pytest.fixture(scope="module")
def done(grid, tmp_path_factory):
    """A finished grid, which was interrupted on the way."""
    run_dir = tmp_path_factory.mktemp("runs") / "grid"
    evaluate, played = stages.STAGES["evaluate"], []

    def interrupted(run):
        if isinstance(run, Rehearsal):
            return evaluate(run)
        played.append(run.folder.path.name)
        if len(played) == 2:
            raise KeyboardInterrupt
        return evaluate(run)

    stages.STAGES["evaluate"] = interrupted
    try:
        assert _ablate(grid, run_dir) == 130
        assert played == ["base", "another"]
        before = _times(run_dir)
        assert _ablate(grid, run_dir) == 1
    finally:
        stages.STAGES["evaluate"] = evaluate
    # What was there before the interruption has not been made again.
    assert before.items() <= _times(run_dir).items()
    return run_dir


@pytest.mark.slow
def test_one_table_of_all_and_the_failing_one_is_named(grid, done, capsys):
    results = json.loads((done / "ablations.json").read_text())
    assert results["protocol"]["split"] == "val"
    lines = [(e["name"], e["arm"], e["against"]) for e in results["ablations"]]
    assert lines == [
        ("base", "wtl", "wtl"),
        ("base", "mil", "wtl"),
        ("another", "wtl", "wtl"),
        ("new_scene", "wtl_new_scene", "wtl"),
    ]
    for entry in results["ablations"]:
        assert entry["overall"]["n"] == 10 and len(entry["overall"]["ci95"]) == 2
        assert len(entry["by_family"]) == 5
    assert all(e["difference"]["n"] == 10 for e in results["ablations"][1:])
    assert "no_such_head" in results["failed"]["broken"]
    for name in ("ablations.md", "ablations.svg"):
        assert "Trial of another task" in (done / name).read_text()
    assert _ablate(grid, done, "--only=broken") == 1
    said = capsys.readouterr()
    assert "1 failed: broken" in said.err
    assert "Traceback" not in said.err + said.out
    # Put the page of all of them back for the tests that follow.
    assert _ablate(grid, done) == 1


@pytest.mark.slow
def test_what_is_the_same_is_shared_with_the_base(done):
    def demos(name):
        return next((done / name / "datasets/wtl_demos/1.0.0").glob("*.tfrecord*"))

    for name in ("another", "new_scene"):
        assert os.path.samefile(demos("base"), demos(name))
        lineage = json.loads((done / name / "lineage.json").read_text())
        for stage in ("collect_demos", "train_trial", "collect_trials"):
            assert lineage[stage]["taken_from"] == "../base"
        assert "taken_from" not in lineage["evaluate_val"]
        assert ("taken_from" in lineage["train_retrial"]) == (name == "new_scene")
        assert list((done / name / "logs").rglob("events*"))
        assert _wtl("verify", str(done / name / "datasets/wtl_trials")) == 0


@pytest.mark.slow
def test_a_run_folder_of_a_grid_is_one_like_any_other(grid, done, tmp_path):
    shutil.copytree(done / "new_scene", tmp_path / "new_scene")
    before = (tmp_path / "new_scene/lineage.json").read_text()
    arguments = [f"--gin_file={grid / 'new_scene.gin'}", "--run_dir"]
    assert _wtl("run", *arguments, str(tmp_path / "new_scene")) == 0
    assert (tmp_path / "new_scene/lineage.json").read_text() == before


@pytest.mark.slow
def test_the_same_again_does_nothing(grid, done):
    before, table = _times(done), (done / "ablations.json").read_text()
    assert _ablate(grid, done) == 1
    assert _times(done) == before
    assert (done / "ablations.json").read_text() == table


@pytest.mark.slow
def test_a_change_of_an_ablation_leaves_the_base_alone(grid, done, tmp_path):
    for source, name in ((grid, "grid"), (done, "runs")):
        shutil.copytree(source, tmp_path / name)
    before = _times(tmp_path / "runs/base")
    with open(tmp_path / "grid/new_scene.gin", "a") as changed:
        changed.write("evaluate.scenes_per_task = 1\n")
    assert _ablate(tmp_path / "grid", tmp_path / "runs", "--only=new_scene") == 0
    assert _times(tmp_path / "runs/base") == before
    results = json.loads((tmp_path / "runs/ablations.json").read_text())
    numbers = {e["arm"]: e["overall"]["n"] for e in results["ablations"]}
    assert numbers == {"wtl": 10, "mil": 10, "wtl_new_scene": 5}
    assert results["ablations"][-1]["difference"]["n"] == 5


@pytest.mark.slow
def test_trials_shown_are_of_another_task_in_evaluation_too(done):
    evaluations = reader.read(done / "another/datasets/wtl_evaluations")
    retrials = (evaluations[fields.ROLE] == fields.ROLE_RETRIAL).nonzero()[0]
    assert len(retrials) == 10
    for row in retrials:
        (shown,) = evaluations[fields.PARENT_TRIAL_IDS][row]
        trial = evaluations.index_by_id[shown]
        tasks = evaluations[fields.TASK_ID]
        assert tasks[trial] != tasks[row]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--gin_dir=nowhere"], "base.gin"),
        ([f"--gin_dir={SHIPPED}", "--only=base,no_such"], "no_such"),
    ],
)
def test_a_wrong_grid_is_one_line(arguments, said, tmp_path, capsys):
    assert _wtl("ablate", *arguments, f"--run_dir={tmp_path / 'runs'}") == 1
    error = capsys.readouterr().err.strip()
    assert said in error and len(error.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("wtl/ContextualConfig.no_such_field = 1", "no_such_field"),
        ("ablation.conditions = ('bc',)", "ablation.conditions names 'bc'"),
    ],
)
def test_a_mistyped_file_is_refused_before_the_base_runs(line, said, tmp_path, capsys):
    (tmp_path / "base.gin").write_text(GRID["base"])
    (tmp_path / "wrong.gin").write_text(f"include '{tmp_path / 'base.gin'}'\n{line}\n")
    assert _ablate(tmp_path, tmp_path / "runs") == 1
    error = capsys.readouterr().err.strip()
    assert error.startswith("wtl: wrong.gin: ") and said in error
    assert len(error.splitlines()) == 1 and not (tmp_path / "runs").exists()


@pytest.mark.parametrize("setting", ["conditions = ('sac',)", "against = 'sac'"])
def test_a_table_names_conditions(setting, tmp_path, capsys):
    (tmp_path / "base.gin").write_text(f"ablation.{setting}\n")
    assert _ablate(tmp_path, tmp_path / "runs") == 1
    name = setting.partition(" ")[0]
    said = capsys.readouterr().err.strip().splitlines()
    assert f"ablation.{name} names 'sac'; choose from wtl" in said[-1]


@pytest.mark.parametrize(
    "path",
    sorted(path for grid in GRIDS for path in (CONFIGS / grid).glob("*.gin")),
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_a_shipped_ablation_plays_what_it_shows(path, tmp_path):
    stages.configure(str(path), [])
    shown = stages.ablation()
    conditions = gin.get_bindings("evaluate")["conditions"]
    assert shown.label
    assert set(shown.conditions) <= set(conditions) <= CONDITIONS.keys()
    trained = gin.get_bindings("train_trial")["methods"]
    trained += gin.get_bindings("train_retrial").get("methods", ())
    trained += gin.get_bindings("train_second_round").get("methods", ())
    for name in conditions:
        assert set(CONDITIONS[name].trials) <= set(conditions)
        assert CONDITIONS[name].method in trained
    for method in trained:
        METHODS[method].kind.network(bound(config_for(method, stages.suite()), method))


@pytest.mark.parametrize(
    ("grid", "least"),
    [*zip(GRIDS, (30, 3, 5, 8, 10, 9, 7, 8, 5, 4), strict=True)],
    ids=str,
)
def test_shipped_ablations_have_labels_of_their_own(grid, least):
    labels = []
    for path in (CONFIGS / grid).glob("*.gin"):
        stages.configure(str(path), [])
        labels.append(stages.ablation().label)
    assert len(set(labels)) == len(labels) >= least


@pytest.mark.slow
def test_every_shipped_ablation_runs(tmp_path):
    small = {
        "suite.train_object_sets": 10,
        "suite.train_tasks": 10,
        "suite.val_tasks": 5,
        "suite.test_tasks": 5,
        "train_trial.steps": 4,
        "train_trial.batch_size": 8,
        "collect_trials.contexts_per_method": 20,
        "train_retrial.steps": 4,
        "train_retrial.batch_size": 8,
        "train_second_round.steps": 4,
        "train_second_round.batch_size": 8,
        "evaluate.scenes_per_task": 1,
    }
    bindings = [f"--gin_bindings={name}={value}" for name, value in small.items()]
    assert _ablate(SHIPPED, tmp_path / "runs", *bindings) == 0
    results = json.loads((tmp_path / "runs/ablations.json").read_text())
    names = {entry["name"] for entry in results["ablations"]}
    assert names == {path.stem for path in SHIPPED.glob("*.gin")}
