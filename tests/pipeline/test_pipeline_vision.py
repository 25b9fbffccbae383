"""The pipeline from images: the same stages, with perception before the policies."""

import base64
import io
import json
import os
import pathlib
import shutil
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from wtl.collection import opengl
from wtl.collection.worlds.entities import slot_order
from wtl.collection.worlds.tabletop.observation import Layout
from wtl.commands import cli
from wtl.datasets.format import tfrecord
from wtl.datasets.reading import reader
from wtl.datasets.storage import staging
from wtl.policies import export

pytestmark = pytest.mark.slow  # perception and image policies

ROOT = pathlib.Path(__file__).resolve().parents[2]
TINY = str(ROOT / "tests" / "tiny_vision.gin")


def _stage(stage: str, run_dir, *bindings: str) -> int:
    arguments = [stage, f"--gin_file={TINY}", f"--run_dir={run_dir}"]
    with pytest.raises(SystemExit) as ended:
        cli.main([*arguments, *(f"--gin_bindings={b}" for b in bindings)])
    return ended.value.code


IMAGES = {"image": (32, 32)}
HUMAN = (
    "train_trial.methods=('mil', 'mil_human')",
    "collect_human_videos.scenes_per_task=2",
    "evaluate.conditions=('mil', 'mil_human', 'mil_shown_human', 'wtl')",
)


@pytest.fixture(scope="module")
def tiny_run(tmp_path_factory):
    try:
        opengl.find_renderer()
    except opengl.RendererNotFoundError as error:
        pytest.skip(str(error))
    run_dir = tmp_path_factory.mktemp("runs") / "tiny_vision"
    assert _stage("run", run_dir) == 0
    return run_dir


@pytest.fixture(scope="module")
def human_run(tiny_run):
    """The same run after a change: a method that is given human videos as well."""
    run_dir = tiny_run.with_name("human")
    shutil.copytree(tiny_run, run_dir)
    assert _stage("run", run_dir, *HUMAN) == 0
    return run_dir


def test_every_stage_leaves_its_output(tiny_run):
    results = json.loads((tiny_run / "evaluation/results.json").read_text())
    assert set(results["methods"]) == {"mil", "wtl"}
    for name in ("wtl_demos", "wtl_trials"):
        store = reader.read(tiny_run / "datasets" / name, images=IMAGES)
        assert store.image.shape[2:] == (32, 32, 3)
        assert store.image.std() > 10
        episode = next(reader.iterate_episodes(tiny_run / "datasets" / name))
        assert episode.steps["wrist_image"].shape == episode.steps["image"].shape
        assert episode.steps["wrist_image"].std() > 10
    lineage = json.loads((tiny_run / "lineage.json").read_text())
    trained = lineage["train_perception"]["outputs"]["perception"]
    assert lineage["train_trial"]["inputs"]["perception"] == trained
    assert lineage["train_retrial"]["inputs"]["perception"] == trained


def test_policies_see_nothing_but_images_and_proprioception(tiny_run):
    layout = Layout(3)
    policy = export.load(
        tiny_run / "policies/mil/saved_model",
        layout.state_size,
        images=IMAGES,
    )
    names = policy.action.concrete_functions[0].structured_input_signature[0][0]
    assert set(names.observation) == {"image", "proprioception"}
    store = reader.read(tiny_run / "datasets/wtl_demos", images=IMAGES)
    proprioception = layout.proprioception(store.state)
    observed = {"image": store.image[:2], "proprioception": proprioception[:2]}
    state = policy.perceive(observed).numpy()
    # Proprioception is passed on unchanged; what is not estimated stays zero.
    gripper = layout.rows["gripper"][0]
    np.testing.assert_array_equal(state[..., gripper], store.state[:2][..., gripper])
    assert not layout.split(state)["objects"][..., 5:8].any()


@pytest.mark.slow
def test_perception_of_humans_is_trained_on_videos_alone(tiny_run, human_run):
    before, lineage = (
        json.loads((run / "lineage.json").read_text()) for run in (tiny_run, human_run)
    )
    assert list(lineage["train_perception_human"]["inputs"]) == ["wtl_human_videos"]
    # That of the robot is not trained twice.
    assert lineage["train_perception"] == before["train_perception"]
    assert lineage["train_trial"] != before["train_trial"]
    results = json.loads((human_run / "evaluation/results.json").read_text())
    assert set(results["methods"]) == {"mil", "mil_human", "mil_shown_human", "wtl"}
    layout = Layout(3)
    saved = human_run / "policies/mil_human/saved_model"
    policy = export.load(saved, layout.state_size, images=IMAGES)
    videos = human_run / "datasets/wtl_human_videos"
    # A human wears no camera.
    assert "wrist_image" not in next(reader.iterate_episodes(videos)).steps
    store = reader.read(videos, images=IMAGES)
    proprioception = layout.proprioception(store.state, own=False)
    state = policy.perceive_human(
        {"image": store.image[:2], "proprioception": proprioception[:2]}
    )
    assert state.shape == store.state[:2].shape
    robots = export.load(
        human_run / "policies/mil/saved_model",
        layout.state_size,
        images=IMAGES,
    )
    assert not hasattr(robots, "perceive_human")
    demos = reader.read(human_run / "datasets/wtl_demos", images=IMAGES)
    observed = {
        "image": demos.image[:2],
        "proprioception": layout.proprioception(demos.state)[:2],
    }
    np.testing.assert_array_equal(policy.perceive(observed), robots.perceive(observed))


def test_end_to_end_training_changes_the_perception_of_that_policy_alone(tiny_run):
    layout = Layout(3)
    store = reader.read(tiny_run / "datasets/wtl_demos", images=IMAGES)
    proprioception = layout.proprioception(store.state)
    observed = {"image": store.image[:2], "proprioception": proprioception[:2]}
    policies = [
        export.load(
            tiny_run / "policies" / name / "saved_model",
            layout.state_size,
            images=IMAGES,
        )
        for name in ("mil", "wtl")
    ]
    mil, wtl = (policy.perceive(observed).numpy() for policy in policies)
    assert np.abs(wtl - mil).max() > 1e-6


def _perceive_as(run_dir, demos, states):
    """Pretend that perception estimates these states of the demonstrations."""
    (path,) = run_dir.glob("perceived/wtl_demos-*.npy")
    assert np.load(path).shape == states.shape
    np.save(path, states.astype(np.float32))


def test_labels_may_come_from_perceived_states(tiny_run, tmp_path, capsys):
    copied = tmp_path / "run"
    shutil.copytree(tiny_run, copied)
    layout = Layout(3)
    stored = reader.read(copied / "datasets/wtl_demos", "train")
    demos = slot_order.by_place(stored, layout)
    binding = "train_trial.perceived_labels=True"
    # Nothing is seen to move in one demonstration: it is left out.
    states = demos.state.copy()
    states[0] = states[0, :1]
    _perceive_as(copied, demos, states)
    assert _stage("train_trial", copied, binding) == 0
    _perceive_as(copied, demos, demos.state[:, :1] + 0 * demos.state)
    assert _stage("train_trial", copied, binding, "train_trial.steps=3") == 1
    assert "perception sees no demonstration act on anything" in capsys.readouterr().err


def _first_frame(film: pathlib.Path) -> np.ndarray:
    sheet = ET.parse(film).find("{*}svg/{*}image").get("href")
    data = base64.b64decode(sheet.removeprefix("data:image/webp;base64,"))
    return np.asarray(Image.open(io.BytesIO(data)))[:32, :32]


def test_the_report_shows_what_the_policies_saw(tiny_run):
    datasets = tiny_run / "datasets"
    demos = reader.read(datasets / "wtl_demos", "test", images=IMAGES)
    played = reader.read(datasets / "wtl_evaluations", images=IMAGES)
    retried = played["role"] == "retrial"
    for take, store in (
        ("watch", demos),
        ("try", played.select(~retried)),
        ("learn", played.select(retried)),
    ):
        films = sorted((tiny_run / "evaluation/videos").glob(f"*-{take}.svg"))
        assert len(films) >= 5
        known = {image.tobytes() for image in store.image[:, 0]}
        assert {_first_frame(film).tobytes() for film in films} <= known
        # Three objects and three buttons are looked for, and one of them is chosen.
        marks = ET.parse(films[0]).find("{*}g[@class='marks']")
        chosen = [mark for mark in marks if mark.find(".//{*}circle") is None]
        assert len(marks) == 7 and len(chosen) == (take != "watch")
    text = (tiny_run / "evaluation/report.html").read_text()
    assert "32 × 32 pixels" in text and len(text) < 5_000_000


@pytest.mark.slow  # the tests of the Python API interrupt one on states
def test_an_interrupted_evaluation_ends_the_same(tiny_run, tmp_path):
    copied = tmp_path / "run"
    shutil.copytree(tiny_run, copied)
    before = reader.read(copied / "datasets/wtl_evaluations")
    results = (copied / "evaluation/results.json").read_bytes()
    (staged,) = copied.glob("staging/wtl_evaluations-*")
    # As if it had been killed after the first arm.
    shard = staged / staging.SHARD_FILE
    records = list(tfrecord.scan(memoryview(shard.read_bytes())))
    os.truncate(shard, records[len(records) // 2].offset)
    for folder in ("evaluation", "datasets/wtl_evaluations"):
        shutil.rmtree(copied / folder)
    assert _stage("evaluate", copied) == 0
    assert (copied / "evaluation/results.json").read_bytes() == results
    after = reader.read(copied / "datasets/wtl_evaluations")
    np.testing.assert_array_equal(after.state, before.state)


def test_a_policy_for_other_perception_is_refused(tiny_run, tmp_path, capsys):
    saved = tiny_run / "policies/mil/saved_model"
    with pytest.raises(export.PolicyMismatchError, match="images of 32 x 32 pixels"):
        export.load(saved, Layout(3).state_size)
    copied = tmp_path / "run"
    shutil.copytree(tiny_run, copied)
    assert _stage("evaluate", copied, "camera.pixels=64") == 1
    assert "'image': images of 32 × 32 pixels, but" in capsys.readouterr().err


def test_without_perception_one_clear_line(tiny_run, tmp_path, capsys):
    copied = tmp_path / "run"
    shutil.copytree(tiny_run, copied)
    shutil.rmtree(copied / "policies/perception")
    assert _stage("train_retrial", copied, "train_retrial.steps=5") == 1
    error = capsys.readouterr().err
    assert "`perception` is missing" in error and "wtl train_trial" in error
