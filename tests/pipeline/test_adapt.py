"""`wtl collect_explorations` and `wtl adapt` as a user meets them."""

import csv
import dataclasses
import json
import pathlib
import re
import shutil
import types
import xml.dom.minidom

import gin
import numpy as np
import pytest
from tiny import command

from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError
from wtl.datasets.reading import reader
from wtl.datasets.storage import staging, verify
from wtl.evaluation import adaptation
from wtl.evaluation.adaptation import AdaptationRow
from wtl.pipeline import planning, stages  # noqa: F401  (registers with gin)

CARTS = str(pathlib.Path(__file__).resolve().parents[1] / "carts.gin")


def _perform(stage: str, run_dir, *bindings: str) -> int:
    given = [f"--gin_bindings={binding}" for binding in ("run.workers=0", *bindings)]
    return command(stage, f"--gin_file={CARTS}", f"--run_dir={run_dir}", *given)


@pytest.fixture(scope="module")
def explored(tmp_path_factory):
    """Run folder with explorations; a test that writes copies it."""
    folder = tmp_path_factory.mktemp("explored") / "run"
    assert _perform("collect_explorations", folder) == 0
    return folder


def _copy(explored, tmp_path):
    return shutil.copytree(explored, tmp_path / "run")


def test_explorations_are_random_first_and_then_of_planners(explored):
    folder = explored / "datasets" / fields.WTL_EXPLORATIONS
    assert verify.verify(folder) == []
    store = reader.read(folder / "1.0.0", fields.SPLIT_TRAIN)
    assert len(store) == 6 and store.length.tolist() == [13] * 6
    random = store[fields.DEMONSTRATOR] == "random"
    assert random.sum() == 4 and set(store[fields.POLICY_ID][random]) == {""}
    (planner,) = set(store[fields.POLICY_ID][~random])
    policy = json.loads((explored / "policies/explorer_1/policy.json").read_text())
    assert policy["policy_id"] == planner


def test_collecting_again_does_nothing(explored, tmp_path):
    run = _copy(explored, tmp_path)
    before = (run / "lineage.json").read_text()
    assert _perform("collect_explorations", run) == 0
    assert (run / "lineage.json").read_text() == before


def test_bounds_need_a_world_that_can_rehearse(tmp_path, capsys):
    assert _perform("adapt", tmp_path / "run", "adapt.bounds = True") == 1
    assert "adapt.bounds needs a world with `rehearse`" in capsys.readouterr().err


@pytest.mark.slow
def test_models_are_trained_once_and_measured_in_the_same_scenes(
    explored, tmp_path, capsys
):
    run = _copy(explored, tmp_path)
    assert _perform("adapt", run) == 0
    assert "ratio to Model-based" in capsys.readouterr().out.replace("\n", " ")
    folder = run / "adaptation"
    results = json.loads((folder / "results.json").read_text())
    assert list(results["methods"]) == ["model_based", "grbal", "grbal_another_task"]
    for found in results["methods"].values():
        assert found["return"]["n"] == 4
        assert set(found["families"]) == {"weak", "reversed"}
        assert set(found["model_error"]) == {"before", "after"}
    error = results["methods"]["model_based"]["model_error"]
    assert error["before"] == error["after"]
    sizes = {n: found["adaptation"] for n, found in results["methods"].items()}
    assert all(point["mean"] == 0 for point in sizes["model_based"])
    assert sizes["grbal"] and all(point["mean"] > 0 for point in sizes["grbal"])
    with open(folder / "episodes.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 4
    xml.dom.minidom.parse(str(folder / "figure.svg"))
    assert "GrBAL" in (folder / "report.html").read_text()
    # Returns are those of the stored episodes, the last step apart: it says success.
    version = run / "datasets" / fields.WTL_EVALUATIONS / "1.0.0"
    store = reader.read(version, fields.SPLIT_TEST)
    for row in rows:
        i = store.index_by_id[row["episode_id"]]
        way = store.state[i, -1, 0] - store.state[i, 0, 0]
        assert float(row["score"]) == pytest.approx(way, abs=1e-5)
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*.index")}
    assert _perform("adapt", run) == 0
    # Validation measures anew, and trains nothing.
    assert _perform("adapt", run, "adapt.split='val'", "adapt.methods=()") == 0
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*.index")} == before
    assert (folder / "val" / "results.json").exists()
    # A further method is played beside the one before.
    both = ("adapt.split='val'", "adapt.methods=('grbal',)")
    notes = run.glob("staging/*/made_from.json")
    (staged,) = (path for path in notes if "grbal" not in path.read_text())
    assert _perform("adapt", run, *both) == 0
    assert not staged.exists()
    found = json.loads((folder / "val" / "results.json").read_text())
    assert list(found["methods"]) == ["model_based", "grbal"]
    # So does another planner, with which the models are saved again.
    weights = [p for p in before if p.parent.name == "checkpoints"]
    tuned = ("adapt.split='val'", "adapt.methods=()", "adapt/PlannerConfig.horizon=3")
    assert _perform("adapt", run, *tuned) == 0
    assert {p: p.stat().st_mtime_ns for p in weights}.items() <= before.items()
    results = json.loads((folder / "val" / "results.json").read_text())
    assert results["protocol"]["planner"]["horizon"] == 3


def test_a_model_that_diverges_ends_the_command_and_keeps_the_episodes(
    explored, tmp_path, capsys, monkeypatch
):
    run = _copy(explored, tmp_path)
    plan = "wtl.policies.planner.optimiser.optimise"
    monkeypatch.setattr(plan, lambda score, plan, *_: plan + float("nan"))
    methods = "adapt.methods=()"
    assert _perform("adapt", run, methods) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert "has diverged: its action is not finite at step 1" in lines[-1]
    assert not (run / "adaptation").exists()
    monkeypatch.undo()
    # What was collected before is intact.
    assert verify.verify(run / "datasets" / fields.WTL_EXPLORATIONS) == []


@pytest.mark.slow
def test_episodes_played_before_an_interruption_are_kept(
    explored, tmp_path, monkeypatch
):
    run = _copy(explored, tmp_path)
    monkeypatch.setattr("wtl.pipeline.adapt.BATCH", 2)
    append = staging.StagingWriter.append
    calls = []

    def once(writer, episodes):
        if calls:
            raise KeyboardInterrupt
        calls.append(append(writer, episodes))

    monkeypatch.setattr(staging.StagingWriter, "append", once)
    assert _perform("adapt", run, "adapt.methods=()") != 0
    monkeypatch.setattr(staging.StagingWriter, "append", append)
    (left,) = run.glob(f"staging/{fields.WTL_EVALUATIONS}-*")
    before = {episode.id for episode in staging.iterate_staged(left)}
    assert len(before) == 2
    assert _perform("adapt", run, "adapt.methods=()") == 0
    assert before < {episode.id for episode in staging.iterate_staged(left)}


@pytest.mark.parametrize(
    ("binding", "said"),
    [
        ("adapt.methods=('mil',)", "choose from model_based"),
        ("adapt.split='train'", "choose from val, test"),
        ("adapt/PlannerConfig.optimiser='sgd'", "it may be cem, mppi"),
        ("suite.test_tasks=1", "add one to suite.test_tasks"),
        ("suite.domain='reacher'", "a world with `reward`"),
        ("ForesightConfig.steps=-1", "0 or more"),
        ("suite.test_tasks=0", "suite.test_tasks is 0, but adapt needs such tasks"),
        ("grbal/ForesightConfig.trained_as='x'", "trained_as"),
        ("grbal/ForesightConfig.window_of='another_task'", "window_of"),
    ],
)
def test_wrong_configurations_are_refused_in_one_line(
    explored, binding, said, tmp_path, capsys
):
    run = tmp_path if "domain" in binding else _copy(explored, tmp_path)
    assert _perform("adapt", run, binding) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and said in lines[0]
    assert not (run / "policies" / "grbal").exists()


@pytest.mark.parametrize(
    ("binding", "said"),
    [
        ("collect_explorations.rounds=()", "rounds is empty: give one or more"),
        ("suite.train_tasks=0", "suite.train_tasks is 0"),
    ],
)
def test_nothing_to_explore_is_refused_in_one_line(binding, said, tmp_path, capsys):
    assert _perform("collect_explorations", tmp_path, binding) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and said in lines[0]


@pytest.fixture
def bindings():
    """Parse bindings; they hold until the test ends."""
    with gin.unlock_config():
        gin.clear_config()
        yield gin.parse_config
        gin.clear_config()


def test_a_control_has_the_bindings_of_the_method_whose_weights_it_has(bindings):
    suite = TaskDistribution(domain="half_cheetah", train_tasks=4)
    bindings(
        "ForesightConfig.window = 3\n"
        "grbal/ForesightConfig.window = 5\n"
        "grbal_another_task/ForesightConfig.alpha = 0.5\n"
    )
    source, control = (
        planning.configured(name, suite) for name in ("grbal", "grbal_another_task")
    )
    assert (source.window, control.window) == (5, 5)
    assert (source.alpha, control.alpha) == (0.01, 0.5)
    assert (source.window_of, control.window_of) == ("own", "another_task")
    assert planning.configured("model_based", suite).window == 3


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"reward": lambda s, a, n: n[..., 0] * np.nan}, "`reward` of an array is nan"),
        ({"reward": lambda s, a, n: n}, "has shape (2, 3, 19) for states of shape"),
        ({"reward": lambda s, a: 0.0}, "`reward` of an array fails: TypeError"),
        ({"reward": lambda s, a, n: 1.0}, "`reward` of an array fails: AttributeError"),
        ({"ends": lambda s: s[..., 0]}, "`ends` of an array is not True or False"),
        ({"ends": lambda s: s["x"] > 0}, "`ends` of an array fails: IndexError"),
        ({"ends": lambda s: s[..., 0].astype(bool)}, "`ends` of a tensor fails"),
    ],
)
def test_functions_that_planners_need_are_tried_before_work(changed, said):
    suite = TaskDistribution(domain="half_cheetah", train_tasks=4)
    run = types.SimpleNamespace(
        suite=types.SimpleNamespace(
            world=dataclasses.replace(suite.world, **changed),
            tasks=suite.tasks,
            scene_seed=suite.scene_seed,
            layout=suite.layout,
        ),
        require_capability=lambda *_: None,
    )
    with pytest.raises(UserError, match=re.escape(said)) as raised:
        planning.require("adapt", run)
    assert "world 'half_cheetah'" in str(raised.value)


def test_without_explorations_the_command_that_makes_them_is_named(tmp_path, capsys):
    assert _perform("adapt", tmp_path) == 1
    assert "run `wtl collect_explorations`" in capsys.readouterr().err


def _rows(method: str, scores):
    return [
        AdaptationRow(
            *(method, f"task-{i}", "joint", 0, 0, True, score, 0.0, ("1.0",), f"{i}")
        )
        for i, score in enumerate(scores)
    ]


def test_a_ratio_is_of_means_and_its_interval_is_paired():
    rows = _rows("grbal", [2.0, 4.0, 6.0])
    found = adaptation.ratio(rows, [2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    # Twice as much in every task: there is no doubt.
    assert found["ratio"] == pytest.approx(2)
    assert found["ci95"] == pytest.approx([2, 2])
    less = adaptation.ratio(rows, [2.0, 4.0, 3.0], [1.0, 2.0, 3.0])
    assert less["ci95"][0] < less["ratio"] < less["ci95"][1]
    assert adaptation.ratio(rows, [2.0, 4.0, 3.0], [-1.0, 0.0, 0.5]) is None


def test_rewards_are_averaged_over_whole_spans_since_the_fault():
    rewards = [1.0] * adaptation.SPAN + [3.0] * adaptation.SPAN + [9.0]
    assert adaptation.by_step(np.array(rewards)) == ("1.0000", "3.0000")
