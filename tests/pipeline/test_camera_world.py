"""A user's environment with images, a set and nested vectors, through all stages."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow_datasets as tfds

import wtl
from tests import camera_module
from wtl.commands import cli
from wtl.datasets.format import schema, statistics
from wtl.datasets.storage import location

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = f"""
import tests.camera_module

include '{ROOT}/tests/tiny.gin'

suite.domain = 'camera_table'
suite.train_tasks = 8
collect_demos.noise = 0.05
perception/TrainConfig.steps = 6
perception/TrainConfig.batch_size = 4
"""


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cameras")
    (folder / "table.gin").write_text(CONFIG)
    return wtl.run(folder / "table.gin", folder / "run")


def test_all_stages_run_on_images_sets_and_nested_vectors(run_dir):
    results = json.loads((run_dir / "evaluation" / "results.json").read_text())
    assert {"mil", "wtl", "bc"} <= set(results["methods"])
    assert set(results["methods"]["wtl"]["families"]) == {"red", "blue"}
    report = (run_dir / "evaluation" / "report.html").read_text()
    assert "data:image/webp" in report and "go to the red block" in report
    for name in ("wtl_demos", "wtl_trials", "wtl_evaluations"):
        with pytest.raises(SystemExit, match="^0$"):
            cli.main(["verify", str(run_dir / "datasets" / name)])


def test_demonstrations_are_stored_as_they_were_observed(run_dir):
    demos = wtl.load_dataset(run_dir / "datasets" / "wtl_demos", "train")
    assert len({len(demo) for demo in demos}) > 1  # of different lengths
    demo = demos[0]
    assert demo.metadata["instruction"] == "go to the red block"
    assert demo.steps["cameras/top"].shape[1:] == (24, 48, 3)
    assert demo.steps["cameras/side"].shape[1:] == (24, 32, 3)
    assert demo.steps["blocks"].shape[1:] == (2, 2)
    assert 5 < np.abs(demo.steps["action"]).max() <= 30
    # An action is in centimetres, a position in metres.
    np.testing.assert_allclose(
        np.diff(demo.steps["arm/position"], axis=0),
        np.clip(demo.steps["action"][:-1] / 100, -1, 1),
        atol=0.05,
    )
    assert demo.steps["is_terminal"][-1] and demo.steps["reward"][-2] == 1


def test_tfds_reads_them_without_our_code(run_dir):
    path = location.resolve(run_dir / "datasets" / "wtl_demos")
    ours = {e.id: e for e in wtl.load_dataset(path, "train")}
    read = tfds.builder_from_directory(path).as_dataset(split="train")
    episode = next(iter(tfds.as_numpy(read)))
    expected = ours[episode["episode_id"].decode()]
    steps = list(episode["steps"])
    for name in ("cameras/top", "cameras/side", "blocks", "arm/position"):
        found = [s["observation"] for s in steps]
        for part in name.split("/"):
            found = [f[part] for f in found]
        np.testing.assert_array_equal(np.stack(found), expected.steps[name])


def test_statistics_are_stored_with_the_limits_of_actions(run_dir):
    path = location.resolve(run_dir / "datasets" / "wtl_demos")
    demos = wtl.load_dataset(path, "train")
    found = statistics.read(path)
    actions = np.concatenate([demo.steps["action"][:-1] for demo in demos])
    np.testing.assert_allclose(found["action"].mean, actions.mean(0), atol=1e-4)
    np.testing.assert_allclose(found["action"].std, actions.std(0), rtol=1e-4)
    blocks = np.concatenate([demo.steps["blocks"] for demo in demos])
    np.testing.assert_allclose(found["blocks"].max, blocks.max(0))
    spec = schema.stored_spec(path)
    assert spec.action_low == (-30, -30) and spec.action_high == (30, 30)
    assert spec == camera_module.TABLE.episodes


def test_a_policy_acts_on_images_in_the_units_of_the_environment(run_dir):
    demos = wtl.load_dataset(run_dir / "datasets" / "wtl_demos", "test")
    policy = wtl.load_policy(run_dir / "policies" / "mil")
    assert policy.observations == (
        "arm/position",
        "blocks",
        "cameras/side",
        "cameras/top",
    )
    policy.reset(demos=[demos[0]])
    env = wtl.make_env(policy.world)
    timestep, largest = env.reset(), 0.0
    while not timestep.last():
        action = policy.act(timestep.observation)
        largest = max(largest, np.abs(action).max())
        timestep = env.step(action)
    assert 1 < largest <= 30
