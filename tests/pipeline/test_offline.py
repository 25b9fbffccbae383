"""Imported demonstrations: training and evaluation without an environment."""

import json
import pathlib

import h5py
import numpy as np
import pytest

import wtl
from wtl.commands import cli
from wtl.datasets.reading import reader
from wtl.datasets.sampling.held_out import held_out
from wtl.datasets.storage import location

ROOT = pathlib.Path(__file__).resolve().parents[2]
TASKS, EPISODES = 2, 5  # episodes of each task
GIN = f"--gin_file={ROOT}/tests/tiny.gin"
QUICK = [
    "train_trial.methods = ('mil', 'bc')",
    "perception/TrainConfig.steps = 4",
    "perception/TrainConfig.batch_size = 4",
]


def _wtl(*arguments) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main([*map(str, arguments)])
    return ended.value.code


def _arm(path: pathlib.Path, task: int):
    """Write a robomimic file: an arm in degrees, with a camera and a nested gripper."""
    rng = np.random.default_rng(task)
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        data.attrs["env_args"] = json.dumps({"env_name": "Lift", "env_kwargs": {}})
        for number in range(EPISODES):
            steps = 6 + number
            joints = rng.normal(0, 40, (steps + 1, 3))
            group = data.create_group(f"demo_{number}")
            group.attrs["num_samples"] = steps
            group["actions"] = np.c_[joints[:-1] * (1 - 2 * task), np.ones(steps)]
            group["rewards"] = np.eye(steps)[-1]
            for name, rows in (("obs", joints[:-1]), ("next_obs", joints[1:])):
                group[f"{name}/joints"] = rows
                shape = (steps, 20, 28, 3)
                group[f"{name}/camera"] = rng.integers(0, 256, shape, np.uint8)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arm")
    run = folder / "run"
    for task in range(TASKS):
        _arm(folder / f"{task}.hdf5", task)
        code = _wtl(
            *("import", folder / f"{task}.hdf5", "--format=robomimic"),
            *("--name=wtl_demos", f"--out={folder}/{task}", "--set=family=lift"),
            *(f"--set=task_id=lift{task}", "--map=arm/joints=obs/joints"),
            *("--map=camera=obs/camera", "--map=action=actions"),
            "--map=reward=rewards",
        )
        assert code == 0
    code = _wtl(
        *("dataset", "merge", folder / "0/wtl_demos", folder / "1/wtl_demos"),
        f"--out={run}/datasets",
    )
    assert code == 0
    for stage in ("train_trial", "evaluate"):
        options = [f"--gin_bindings={line}" for line in QUICK]
        assert _wtl(stage, GIN, f"--run_dir={run}", *options) == 0
    return run


def test_the_report_compares_policies_with_a_replay_on_held_out_episodes(run_dir):
    folder = run_dir / "evaluation" / "offline"
    results = json.loads((folder / "results.json").read_text())
    assert results["protocol"]["kind"] == "offline"
    assert results["protocol"]["episodes"] == TASKS  # one of each task
    assert set(results["methods"]) == {"nearest_demo", "mil", "bc"}
    for name, method in results["methods"].items():
        error = method["action_error"]
        assert error["n"] == TASKS and len(error["by_dimension"]) == 4
        assert error["ci95"][0] <= error["mean"] <= error["ci95"][1]
        assert ("log_likelihood" in method) == (name != "nearest_demo")
    # The gripper is always at 1, so a replay has it right.
    replay = results["methods"]["nearest_demo"]["action_error"]["by_dimension"]
    assert replay[3]["mean"] == 0 and replay[0]["mean"] > 1
    page = (folder / "report.html").read_text()
    assert "nearest demonstration, replayed" in page and "held-out" in page


def test_the_replay_is_of_the_nearest_demonstration_of_the_task(run_dir):
    path = location.resolve(run_dir / "datasets" / "wtl_demos")
    store = reader.read(path, "train")
    kept = held_out(path, store)
    assert kept.sum() == TASKS
    assert len(set(store["task_id"][kept])) == TASKS
    scale = store.state[~kept, 0].std(axis=0)
    errors = []
    for row in np.flatnonzero(kept):
        rows = np.flatnonzero(~kept & (store["task_id"] == store["task_id"][row]))
        away = np.abs((store.state[rows, 0] - store.state[row, 0]) / scale) ** 2
        other = rows[np.argmin(away[:, :3].sum(axis=1))]
        steps = store.length[row] - 1
        index = np.minimum(np.arange(steps), store.length[other] - 2)
        errors.append(np.abs(store.action[other, index] - store.action[row, :steps]))
    results = json.loads((run_dir / "evaluation/offline/results.json").read_text())
    found = results["methods"]["nearest_demo"]["action_error"]["by_dimension"]
    expected = np.mean([error.mean(axis=0) for error in errors], axis=0)
    np.testing.assert_allclose([d["mean"] for d in found], expected, rtol=1e-5)


def test_its_policy_loads_and_acts_in_the_units_of_the_dataset(run_dir):
    demos = wtl.load_dataset(run_dir / "datasets" / "wtl_demos")
    policy = wtl.load_policy(run_dir / "policies" / "mil")
    assert policy.observations == ("arm/joints", "camera")
    policy.reset(demos=[demos[0]])
    observed = {name: demos[1].steps[name][0] for name in policy.observations}
    action = policy.act(observed)
    # A command that never changed stays what it was.
    assert action.shape == (4,) and 0.5 <= action[3] <= 2
    moved = policy.act(observed | {"arm/joints": 3 * observed["arm/joints"]})
    assert not np.allclose(moved, action)


def test_finished_stages_are_not_repeated(run_dir, capsys):
    before = json.loads((run_dir / "lineage.json").read_text())
    options = [f"--gin_bindings={line}" for line in QUICK]
    assert _wtl("train_trial", GIN, f"--run_dir={run_dir}", *options) == 0
    assert json.loads((run_dir / "lineage.json").read_text()) == before


def test_what_needs_an_environment_says_so_in_one_line(run_dir, capsys):
    for stage, said in (
        ("collect_demos", "`expert`"),
        ("collect_trials", "`make_env`"),
        ("train_retrial", "collect_trials"),
    ):
        assert _wtl(stage, GIN, f"--run_dir={run_dir}") != 0
        assert said in capsys.readouterr().err.strip().splitlines()[-1]


def test_without_data_or_held_out_episodes_one_line_says_what_to_do(tmp_path, capsys):
    _arm(tmp_path / "0.hdf5", 0)
    domain = "--gin_bindings=suite.domain = 'dataset'"
    assert _wtl("train_trial", GIN, f"--run_dir={tmp_path}/none", domain) != 0
    assert "wtl import" in capsys.readouterr().err.strip().splitlines()[-1]
