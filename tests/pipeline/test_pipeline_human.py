"""The pipeline from videos of humans: watch a person, try, learn."""

import csv
import json
import pathlib

import pytest

from wtl.commands import cli
from wtl.datasets.contract import fields
from wtl.datasets.format import schema
from wtl.datasets.reading import reader
from wtl.datasets.storage import verify

# Of `make test`, tests of the methods build and save policies that are given videos.
pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).resolve().parents[2]
TINY = str(ROOT / "tests" / "tiny_human.gin")


def _stage(stage: str, run_dir, *bindings: str) -> int:
    arguments = [stage, f"--gin_file={TINY}", f"--run_dir={run_dir}"]
    with pytest.raises(SystemExit) as ended:
        cli.main([*arguments, *(f"--gin_bindings={b}" for b in bindings)])
    return ended.value.code


@pytest.fixture(scope="module")
def tiny_run(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("runs") / "tiny_human"
    assert _stage("run", run_dir) == 0
    return run_dir


def test_nothing_is_known_of_a_humans_actions(tiny_run):
    path = tiny_run / "datasets/wtl_human_videos/1.0.0"
    spec = schema.stored_spec(path)
    assert spec.action_size == 0 and spec.physics_size > 0
    videos = reader.read(path)
    assert set(videos[fields.DEMONSTRATOR]) == {"simulated_human"}
    assert videos[fields.SUCCESS].all()
    assert not verify.verify(path)


def test_humans_do_what_the_robot_did(tiny_run):
    demos = reader.read(tiny_run / "datasets/wtl_demos")
    videos = reader.read(tiny_run / "datasets/wtl_human_videos")
    what = (fields.TASK_ID, fields.SCENE_SEED, fields.HIDDEN_TARGET)

    def done(store):
        return set(zip(*(store[name].tolist() for name in what), strict=True))

    assert done(videos) <= done(demos)
    assert len(done(videos)) >= 0.9 * len(done(demos))
    assert set(videos[fields.SPLIT]) == {"train", "val", "test"}


def test_trials_and_retrials_name_the_videos_that_were_shown(tiny_run):
    videos = reader.read(tiny_run / "datasets/wtl_human_videos")
    for name in ("wtl_trials", "wtl_evaluations"):
        path = tiny_run / "datasets" / name
        store = reader.read(path)
        shown = {
            parent for parents in store[fields.PARENT_DEMO_IDS] for parent in parents
        }
        assert shown and shown <= set(videos[fields.EPISODE_ID])
        assert not verify.verify(path)
    with open(tiny_run / "evaluation/episodes.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["method"] for row in rows} == {"mil_human", "daml", "wtl_human"}
    assert {row["demo_id"] for row in rows} <= set(videos[fields.EPISODE_ID])


def test_lineage_leads_back_to_the_videos(tiny_run):
    lineage = json.loads((tiny_run / "lineage.json").read_text())
    made = lineage["collect_human_videos"]["outputs"]["wtl_human_videos"]
    for stage in ("train_trial", "collect_trials", "train_retrial", "evaluate"):
        assert lineage[stage]["inputs"]["wtl_human_videos"] == made


def test_without_videos_one_clear_line(tmp_path, tiny_run, capsys):
    assert _stage("collect_demos", tmp_path / "run") == 0
    assert _stage("train_trial", tmp_path / "run") == 1
    assert "run `wtl collect_human_videos`" in capsys.readouterr().err


def test_a_human_is_not_asked_for_more_scenes_than_the_robot(tmp_path, capsys):
    asked = "collect_human_videos.scenes_per_task=3"
    assert _stage("collect_human_videos", tmp_path / "run", asked) == 1
    assert "the robot demonstrates in 2 scenes" in capsys.readouterr().err
