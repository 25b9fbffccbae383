"""The pipeline from images: the same stages, with perception before the policies."""

import json
import pathlib
import shutil

import numpy as np
import pytest

from datasets import reader
from policies import export
from wtl import cli
from wtl.envs import renderer
from wtl.envs.observation import Layout

ROOT = pathlib.Path(__file__).resolve().parents[1]
TINY = str(ROOT / "tests" / "tiny_vision.gin")


def _stage(stage: str, run_dir, *bindings: str) -> int:
    arguments = [stage, f"--gin_file={TINY}", f"--run_dir={run_dir}"]
    with pytest.raises(SystemExit) as ended:
        cli.main([*arguments, *(f"--gin_bindings={b}" for b in bindings)])
    return ended.value.code


@pytest.fixture(scope="module")
def tiny_run(tmp_path_factory):
    try:
        renderer.find_renderer()
    except renderer.RendererNotFoundError as error:
        pytest.skip(str(error))
    run_dir = tmp_path_factory.mktemp("runs") / "tiny_vision"
    assert _stage("run", run_dir) == 0
    return run_dir


def test_every_stage_leaves_its_output(tiny_run):
    results = json.loads((tiny_run / "evaluation/results.json").read_text())
    arms = {"mil", "mil_human", "mil_shown_human", "wtl"}
    assert set(results["methods"]) == arms
    for name in ("wtl_demos", "wtl_human_videos", "wtl_trials"):
        store = reader.read(tiny_run / "datasets" / name, with_images=True)
        assert store.image.shape[2:] == (32, 32, 3)
        assert store.image.std() > 10
    lineage = json.loads((tiny_run / "lineage.json").read_text())
    trained = lineage["train_perception"]["outputs"]["perception"]
    assert lineage["train_trial"]["inputs"]["perception"] == trained
    assert lineage["train_retrial"]["inputs"]["perception"] == trained


def test_policies_see_nothing_but_images_and_proprioception(tiny_run):
    layout = Layout(3)
    policy = export.load(
        tiny_run / "policies/trial/saved_model", layout.state_size, pixels=32
    )
    names = policy.action.concrete_functions[0].structured_input_signature[0][0]
    assert set(names.observation) == {"image", "proprioception"}
    store = reader.read(tiny_run / "datasets/wtl_demos", with_images=True)
    felt = layout.proprioception(store.state)
    observed = {"image": store.image[:2], "proprioception": felt[:2]}
    state = policy.perceive(observed).numpy()
    # What is felt is passed on as it is; what is not seen stays zero.
    gripper = layout.rows["gripper"][0]
    np.testing.assert_array_equal(state[..., gripper], store.state[:2][..., gripper])
    assert not layout.split(state)["objects"][..., 5:8].any()


def test_eyes_for_others_are_trained_on_videos_alone(tiny_run):
    lineage = json.loads((tiny_run / "lineage.json").read_text())
    assert list(lineage["train_perception_human"]["inputs"]) == ["wtl_human_videos"]
    layout = Layout(3)
    saved = tiny_run / "policies/trial_human/saved_model"
    policy = export.load(saved, layout.state_size, pixels=32)
    store = reader.read(tiny_run / "datasets/wtl_human_videos", with_images=True)
    felt = layout.proprioception(store.state, own=False)
    state = policy.watch({"image": store.image[:2], "proprioception": felt[:2]})
    assert state.shape == store.state[:2].shape
    robots = export.load(
        tiny_run / "policies/trial/saved_model", layout.state_size, pixels=32
    )
    assert not hasattr(robots, "watch")


def test_end_to_end_training_changes_the_eyes_of_that_policy_alone(tiny_run):
    layout = Layout(3)
    store = reader.read(tiny_run / "datasets/wtl_demos", with_images=True)
    felt = layout.proprioception(store.state)
    observed = {"image": store.image[:2], "proprioception": felt[:2]}
    seen = [
        export.load(
            tiny_run / "policies" / name / "saved_model", layout.state_size, pixels=32
        )
        .perceive(observed)
        .numpy()
        for name in ("trial", "trial_human", "retrial")
    ]
    np.testing.assert_array_equal(seen[0], seen[1])
    assert np.abs(seen[2] - seen[0]).max() > 1e-6


def test_a_policy_for_other_eyes_is_refused(tiny_run, tmp_path, capsys):
    saved = tiny_run / "policies/trial/saved_model"
    with pytest.raises(export.PolicyMismatchError, match="images of 32 x 32 pixels"):
        export.load(saved, Layout(3).state_size)
    copied = tmp_path / "run"
    shutil.copytree(tiny_run, copied)
    assert _stage("evaluate", copied, "camera.pixels=64") == 1
    assert "image_pixels 32, but 64 is expected" in capsys.readouterr().err


def test_perception_is_not_trained_twice(tiny_run, tmp_path):
    copied = tmp_path / "run"
    shutil.copytree(tiny_run, copied)
    before = json.loads((copied / "lineage.json").read_text())
    assert _stage("train_trial", copied, "train_trial.steps=4") == 0
    after = json.loads((copied / "lineage.json").read_text())
    assert before["train_perception"] == after["train_perception"]
    assert before["train_trial"] != after["train_trial"]


def test_without_perception_one_clear_line(tiny_run, tmp_path, capsys):
    copied = tmp_path / "run"
    shutil.copytree(tiny_run, copied)
    shutil.rmtree(copied / "policies/perception")
    assert _stage("train_retrial", copied, "train_retrial.steps=5") == 1
    error = capsys.readouterr().err
    assert "perception is missing" in error and "wtl train_trial" in error
