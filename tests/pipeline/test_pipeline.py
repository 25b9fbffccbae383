"""The pipeline as a user meets it: run, rerun, resume."""

import csv
import json
import os
import shutil
import signal
import subprocess
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from tests import heeding
from tests.pipeline.tiny import ROOT, TINY, command, perform
from wtl.datasets.reading import reader
from wtl.datasets.storage import checksums
from wtl.datasets.storage.staging import iterate_staged
from wtl.pipeline.player import Player
from wtl.pipeline.run_datasets import RunDatasets
from wtl.pipeline.run_folder import RunFolder
from wtl.policies.methods import CONDITIONS, Condition
from wtl.policies.methods.record import SAMPLED

STAGES = ["collect_demos", "train_trial", "collect_trials", "train_retrial", "evaluate"]


def test_run_folder_is_as_promised(tiny_run):
    for name in (
        "config.gin",
        "lineage.json",
        "datasets/wtl_demos/1.0.0/dataset_info.json",
        "datasets/wtl_trials/1.0.0/dataset_info.json",
        "policies/bc/saved_model/saved_model.pb",
        "policies/mil/saved_model/saved_model.pb",
        "policies/wtl/saved_model/saved_model.pb",
        "policies/mil/checkpoints/checkpoint",
        "evaluation/results.json",
        "evaluation/episodes.csv",
        "evaluation/report.html",
    ):
        assert (tiny_run / name).exists(), name
    assert list((tiny_run / "logs").rglob("events*"))
    videos = tiny_run / "evaluation/videos"
    for take in ("watch", "try", "learn"):
        films = list(videos.glob(f"*-{take}.svg"))
        assert len(films) >= 5
        assert all("<animate" in film.read_text() for film in films)


def test_results_file_keeps_its_contract(tiny_run):
    results = json.loads((tiny_run / "evaluation/results.json").read_text())
    assert results["protocol"]["tasks"] == 5
    assert results["protocol"]["scenes_per_task"] == 2
    assert results["protocol"]["split"] == "test"
    assert results["protocol"]["retrial_scene"] == "same"
    for name in ("bc", "mil", "mil_second_try", "mil_win_stay_lose_shift", "wtl"):
        method = results["methods"][name]
        assert set(method["overall"]) >= {"success", "ci95", "n"}
        assert method["overall"]["n"] == 10
        assert len(method["families"]) == 5
        for key in ("ceiling", "rules", "conflict", "no_conflict", "wrong_target"):
            assert key in method
    assert "given_trial_failed" in results["methods"]["wtl"]
    assert set(results["paired"]["wtl_vs_mil"]) >= {"difference", "ci95", "p"}


def test_every_rollout_is_a_row_on_shared_scenes(tiny_run):
    with open(tiny_run / "evaluation/episodes.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12 * 10
    scenes = {
        method: sorted(
            (r["task_id"], r["scene_seed"], r["demo_id"])
            for r in rows
            if r["method"] == method
        )
        for method in {r["method"] for r in rows}
    }
    assert len(scenes) == 12  # no conditions are named: all of these policies
    assert scenes["wtl_2_trials"] == scenes["wtl_3_trials"] == scenes["wtl"]
    assert scenes["mil"] == scenes["wtl"] == scenes["bc"] == scenes["mil_second_try"]
    assert scenes["mil"] != scenes["wtl_new_scene"]


def test_trials_and_retrials_are_linked_to_what_was_shown(tiny_run):
    demos = reader.read(tiny_run / "datasets/wtl_demos")
    trials = reader.read(tiny_run / "datasets/wtl_trials")
    shown = [ids for ids in trials["parent_demo_ids"] if ids]
    assert len(shown) == 20  # the other 20 are of the policy that sees none
    assert all(ids[0] in demos.index_by_id for ids in shown)
    evaluations = reader.read(tiny_run / "datasets/wtl_evaluations")
    retrials = evaluations["role"] == "retrial"
    for i in retrials.nonzero()[0]:
        trials = evaluations["parent_trial_ids"][i]
        assert 1 <= len(trials) <= 3
        assert all(trial in evaluations.index_by_id for trial in trials)


def test_lineage_tells_what_came_from_what(tiny_run):
    lineage = json.loads((tiny_run / "lineage.json").read_text())
    assert list(lineage) == STAGES
    demos = checksums.fingerprint(tiny_run / "datasets/wtl_demos/1.0.0")
    assert lineage["collect_demos"]["outputs"]["wtl_demos"] == demos
    assert lineage["train_trial"]["inputs"]["wtl_demos"] == demos
    mil = lineage["train_trial"]["outputs"]["mil"]
    assert lineage["collect_trials"]["inputs"]["mil"] == mil
    for entry in lineage.values():
        assert entry["seed"] == 0
        assert {"mujoco", "tensorflow"} <= set(entry["versions"])


def test_datasets_of_a_run_are_sound(tiny_run, capsys):
    for name in ("wtl_demos", "wtl_trials", "wtl_evaluations"):
        assert command("verify", str(tiny_run / "datasets" / name)) == 0
        assert "is intact" in capsys.readouterr().out


def test_what_is_published_is_not_on_disk_twice(tiny_run):
    (staged,) = tiny_run.glob("staging/*")
    # Further conditions are played beside these.
    assert staged.name.startswith("wtl_evaluations-")


def test_a_condition_more_is_played_beside_those_before(copied_run, capsys):
    shutil.rmtree(copied_run / "staging")
    played = []
    for names in ("('mil',)", "('mil', 'bc', 'tecnet')"):
        named = f"evaluate.conditions={names}"
        assert perform("evaluate", copied_run, named, "evaluate.fixed_tasks=True") == 0
        (staged,) = copied_run.glob("staging/*/staged-00000.tfrecord")
        played.append(staged.read_bytes())
    assert "no policy is trained for tecnet: left out" in capsys.readouterr().out
    results = json.loads((copied_run / "evaluation/results.json").read_text())
    assert set(results["methods"]) == {"mil", "bc"}
    assert played[1].startswith(played[0])
    assert len(list(iterate_staged(staged.parent))) == 2 * 10


def test_staged_episodes_of_another_policy_are_not_continued(tmp_path):
    datasets = RunDatasets(RunFolder(tmp_path), None, 0, None)
    made_from = {"settings": "s", "wtl_demos": "d", "mil": "1"}
    datasets.continue_staging("a", made_from)
    datasets.continue_staging("b", made_from | {"bc": "1"})
    assert [p.name for p in tmp_path.glob("staging/*")] == ["wtl_evaluations-b"]
    # The dataset has no episodes but those of the results.
    datasets.continue_staging("fewer", made_from)
    for changed in ({"bc": "2"}, {"settings": "t"}, {"wtl_demos": "e"}):
        datasets.continue_staging("-".join(changed), made_from | {"bc": "1"} | changed)
    names = {"b", "bc", "settings", "wtl_demos"}  # "fewer" goes on as "bc"
    found = {p.name.rpartition("-")[2] for p in tmp_path.glob("staging/*")}
    assert found == names


def test_conditions_need_those_whose_episodes_are_their_trials(copied_run, capsys):
    assert perform("evaluate", copied_run, "evaluate.conditions=('wtl',)") == 1
    assert "whose trials are the episodes of 'mil'; name" in capsys.readouterr().err
    shutil.rmtree(copied_run / "policies/mil")
    assert perform("evaluate", copied_run, "evaluate.conditions=('mil', 'wtl')") == 1
    assert "the policy `mil` is missing" in capsys.readouterr().err


def test_a_process_killed_before_it_tidied_up_leaves_nothing_for_good(copied_run):
    key = json.loads((copied_run / "lineage.json").read_text())["collect_demos"]["key"]
    left = copied_run / "staging" / f"wtl_demos-{key}"
    left.mkdir()
    (left / "spec.json").write_text("{}")
    arguments = [f"--gin_file={TINY}", f"--run_dir={copied_run}"]
    assert command("collect_demos", *arguments) == 0
    assert not left.exists()


def test_a_retrial_is_filmed_beside_what_it_is_shown(tiny_run, tmp_path, capsys):
    arguments = ["play", f"--gin_file={TINY}", f"--run_dir={tiny_run}"]
    staged = list(tiny_run.glob("staging/*"))
    drawn = []
    for name in ("first", "second"):
        out = tmp_path / name / "film.svg"
        assert command(*arguments, "--family=slide", f"--out={out}") == 0
        said = capsys.readouterr().out
        assert ", slide, " in said and str(out) in said
        drawn.append(out.read_text())
    assert drawn[0] == drawn[1]
    ET.fromstring(drawn[0])
    assert all(text in drawn[0] for text in ("Demonstration", "MIL: ", "WTL: "))
    # Nothing is left where an evaluation would look.
    assert list(tiny_run.glob("staging/*")) == staged


def test_a_second_run_does_nothing(copied_run):
    before = {p: p.stat().st_mtime_ns for p in copied_run.rglob("*.tfrecord*")}
    lineage = (copied_run / "lineage.json").read_text()
    assert perform("run", copied_run) == 0
    after = {p: p.stat().st_mtime_ns for p in copied_run.rglob("*.tfrecord*")}
    assert before == after
    assert (copied_run / "lineage.json").read_text() == lineage


@pytest.mark.slow  # test_ablate compares grids that differ in one stage
def test_a_change_reruns_what_depends_on_it(copied_run):
    before = json.loads((copied_run / "lineage.json").read_text())
    assert perform("run", copied_run, "train_retrial.steps=5") == 0
    after = json.loads((copied_run / "lineage.json").read_text())
    changed = [stage for stage in STAGES if before[stage] != after[stage]]
    assert changed == ["train_retrial", "evaluate"]


@pytest.mark.slow
def test_policies_that_adapt_go_through_the_same_stages(copied_run):
    bindings = (
        "train_trial.methods=('maml', 'mil')",
        "maml/MamlConfig.hidden=(16,)",
        "maml/MamlConfig.second_order=False",
        "evaluate.conditions=('mil', 'maml')",
    )
    before = json.loads((copied_run / "lineage.json").read_text())
    for stage in ("train_trial", "evaluate"):
        assert perform(stage, copied_run, *bindings) == 0
    results = json.loads((copied_run / "evaluation/results.json").read_text())
    mil, maml = (results["methods"][name] for name in ("mil", "maml"))
    assert maml["overall"]["n"] == 10
    assert maml["ceiling"] == mil["ceiling"]
    after = json.loads((copied_run / "lineage.json").read_text())
    # Another method beside it changes nothing in the training of one.
    trained = "train_trial"
    assert after[trained]["outputs"]["mil"] == before[trained]["outputs"]["mil"]
    network = after[trained]["parameters"]["networks"]["maml"]
    assert (network["hidden"], network["second_order"]) == ([16], False)
    evaluations = reader.read(copied_run / "datasets/wtl_evaluations")
    demos = reader.read(copied_run / "datasets/wtl_demos")
    played = evaluations["policy_id"] == after[trained]["outputs"]["maml"]
    assert played.sum() == 10
    for i in played.nonzero()[0]:
        (shown,) = evaluations["parent_demo_ids"][i]
        assert shown in demos.index_by_id


def test_what_is_published_is_not_published_again(copied_run):
    # As if the process had died between publishing and saying so.
    lineage = json.loads((copied_run / "lineage.json").read_text())
    del lineage["evaluate"]
    (copied_run / "lineage.json").write_text(json.dumps(lineage))
    (copied_run / "evaluation/results.json").unlink()
    assert perform("evaluate", copied_run) == 0
    folder = copied_run / "datasets/wtl_evaluations"
    assert [path.name for path in folder.iterdir()] == ["1.0.0"]
    assert (copied_run / "evaluation/results.json").exists()


def test_same_seed_same_datasets(tiny_run, tmp_path):
    assert perform("collect_demos", tmp_path / "again") == 0
    again = checksums.fingerprint(tmp_path / "again/datasets/wtl_demos/1.0.0")
    assert again == checksums.fingerprint(tiny_run / "datasets/wtl_demos/1.0.0")
    assert perform("collect_demos", tmp_path / "other", "run.seed=1") == 0
    other = checksums.fingerprint(tmp_path / "other/datasets/wtl_demos/1.0.0")
    assert other != again


def test_executed_actions_are_recorded_on_request(tmp_path, capsys):
    few = ("suite.train_tasks=2", "suite.val_tasks=0", "suite.test_tasks=0")
    setting = "collect_demos.recorded"
    assert perform("collect_demos", tmp_path / "run", *few, f"{setting}='excuted'") == 1
    said = "'excuted'; choose from clean, executed; did you mean 'executed'?"
    assert capsys.readouterr().err.strip().endswith(f"{setting} names {said}")
    assert not (tmp_path / "run/datasets").exists()
    assert perform("collect_demos", tmp_path / "run", *few) == 0
    first = RunFolder(tmp_path / "run").lineage["collect_demos"]
    assert first["parameters"].keys() == {"noise", "held_out_scenes"}
    assert (
        perform("collect_demos", tmp_path / "run", *few, f"{setting}='executed'") == 0
    )
    assert RunFolder(tmp_path / "run").lineage["collect_demos"]["key"] != first["key"]
    clean, executed = (
        reader.read(tmp_path / f"run/datasets/wtl_demos/{version}.0.0")
        for version in (1, 2)
    )
    np.testing.assert_array_equal(clean.state, executed.state)
    noise = (executed.action - clean.action)[:, :-1]
    assert 0.03 < noise.std() < 0.15


# The collector as it is, which prints how many episodes are acknowledged.
_TELLS_WHAT_IS_SAFE = """
import sys
from wtl.datasets.storage.staging import StagingWriter
from wtl.commands.cli import main
append = StagingWriter.append
def telling(self, episodes):
    new = append(self, episodes)
    print(len(self.episode_ids), flush=True)
    return new
StagingWriter.append = telling
main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    "how",
    [
        signal.SIGKILL,
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
    ],
)
def test_interrupted_collection_loses_nothing(tiny_run, tmp_path, how):
    run_dir = tmp_path / "run"
    process = subprocess.Popen(
        heeding.command(
            *("-c", _TELLS_WHAT_IS_SAFE, "collect_demos"),
            *(f"--gin_file={TINY}", f"--run_dir={run_dir}"),
        ),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    told = [int(process.stdout.readline())]
    os.killpg(process.pid, how) if how == signal.SIGKILL else process.send_signal(how)
    told += [int(line) for line in process.communicate(timeout=60)[0].split()]
    assert process.returncode != 0
    staged = next(run_dir.glob("staging/wtl_demos-*"))
    assert len(list(iterate_staged(staged))) >= told[-1] > 0
    assert perform("collect_demos", run_dir) == 0
    resumed = checksums.fingerprint(run_dir / "datasets/wtl_demos/1.0.0")
    assert resumed == checksums.fingerprint(tiny_run / "datasets/wtl_demos/1.0.0")


@pytest.mark.slow  # the tests of the trainer interrupt one as well
def test_training_goes_on_from_its_checkpoint(copied_run):
    whole = json.loads((copied_run / "policies/mil/policy.json").read_text())
    # As if the process had been killed after the checkpoint of step 3.
    checkpoints = copied_run / "policies/mil/checkpoints"
    for path in checkpoints.glob("ckpt-6*"):
        path.unlink()
    state = checkpoints / "checkpoint"
    state.write_text(state.read_text().replace("ckpt-6", "ckpt-3"))
    lineage = json.loads((copied_run / "lineage.json").read_text())
    del lineage["train_trial"]
    (copied_run / "lineage.json").write_text(json.dumps(lineage))
    assert perform("train_trial", copied_run) == 0
    resumed = json.loads((copied_run / "policies/mil/policy.json").read_text())
    assert resumed["key"] == whole["key"]
    assert list(checkpoints.glob("ckpt-6*"))


def test_a_new_condition_leaves_finished_evaluations_alone(copied_run, monkeypatch):
    (shard,) = copied_run.glob("staging/wtl_evaluations-*/staged-*.tfrecord")
    staged = shard.read_bytes()
    results = (copied_run / "evaluation/results.json").read_bytes()
    shutil.rmtree(copied_run / "evaluation")
    another = Condition(
        *("another", "Another", "Another."),
        choice=SAMPLED,
        in_default=False,
        method="bc",
    )
    monkeypatch.setitem(CONDITIONS, "another", another)
    assert perform("evaluate", copied_run) == 0
    assert shard.read_bytes() == staged
    assert (copied_run / "evaluation/results.json").read_bytes() == results


@pytest.mark.parametrize(("lacking", "status"), ((3, 0), (6, 1)))
def test_scenes_without_a_demonstration_are_left_out(
    lacking, status, copied_run, monkeypatch, capsys
):
    find = Player._find

    def find_others(player, store, planned):
        rows = find(player, store, planned)
        rows[:lacking] = -1
        return rows

    monkeypatch.setattr(Player, "_find", find_others)
    one = "evaluate.conditions=('bc',)"
    assert perform("evaluate", copied_run, one) == status
    said = capsys.readouterr()
    if status:
        assert "only 4 of 10 evaluation scenes are demonstrated" in said.err
    else:
        assert "3 of 10 evaluation scenes are left out" in said.out
        results = json.loads((copied_run / "evaluation/results.json").read_text())
        assert results["methods"]["bc"]["overall"]["n"] == 7
