"""Imported demonstrations: training and evaluation without an environment."""

import json
import pathlib
import shutil

import h5py
import numpy as np
import pytest
import tensorflow as tf

import wtl
from wtl.commands import cli
from wtl.datasets.contract.errors import UserError
from wtl.datasets.reading import reader
from wtl.datasets.sampling.held_out import held_out
from wtl.datasets.storage import location
from wtl.pipeline.offline import HeldOut

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


def _arm(path: pathlib.Path, task: int, episodes: int = EPISODES, **changed):
    """Write a robomimic file: an arm in degrees, with a camera and a nested gripper.

    Its actions and joints are those `changed`, if any.
    """
    rng = np.random.default_rng(task)
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        data.attrs["env_args"] = json.dumps({"env_name": "Lift", "env_kwargs": {}})
        for number in range(episodes):
            steps = 6 + number
            joints = rng.normal(0, 40, (steps + 1, 3))
            group = data.create_group(f"demo_{number}")
            group.attrs["num_samples"] = steps
            actions = np.c_[joints[:-1] * (1 - 2 * task), np.ones(steps)]
            group["actions"] = changed.get("actions", actions)[:steps]
            group["rewards"] = np.eye(steps)[-1]
            for name, rows in (("obs", joints[:-1]), ("next_obs", joints[1:])):
                group[f"{name}/joints"] = changed.get("joints", rows)[:steps]
                shape = (steps, 20, 28, 3)
                group[f"{name}/camera"] = rng.integers(0, 256, shape, np.uint8)


def _import(
    path: pathlib.Path,
    out: pathlib.Path,
    acts: bool = True,
    sees: bool = True,
    option: str = "--set=split=train",
) -> int:
    """Import a file of `_arm` as demonstrations of a task.

    They have its actions and its camera, or not.
    """
    return _wtl(
        *("import", path, "--format=robomimic", "--name=wtl_demos", f"--out={out}"),
        *("--set=family=lift", f"--set=task_id=lift{path.stem}", "--set=control_hz=10"),
        *(option, "--map=arm/joints=obs/joints"),
        *(("--map=camera=obs/camera",) if sees else ()),
        *(("--map=action=actions", "--map=reward=rewards") if acts else ()),
    )


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(False, id="joints"),
        pytest.param(True, id="camera", marks=pytest.mark.slow),
    ],
)
def run_dir(tmp_path_factory, request):
    """A run of two tasks, whose observations have a camera or not."""
    folder = tmp_path_factory.mktemp("arm")
    run = folder / "run"
    for task in range(TASKS):
        _arm(folder / f"{task}.hdf5", task)
        assert (
            _import(folder / f"{task}.hdf5", folder / str(task), sees=request.param)
            == 0
        )
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
    assert len(reader.read(path, "val")) == 0
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


def test_held_out_episodes_are_not_normalised_by(run_dir):
    sees = "camera" in wtl.load_policy(run_dir / "policies/mil").observations
    path = location.resolve(run_dir / "datasets" / "wtl_demos")
    store = reader.read(path, "train")
    store = store.select(~held_out(path, store))
    used = np.arange(store.state.shape[1]) < store.length[:, None]
    variables = str(run_dir / "policies/mil/saved_model/variables/variables")
    stored = [
        tf.train.load_variable(variables, name)
        for name, shape in tf.train.list_variables(variables)
        if shape == [store.state.shape[2] + 32 * sees]  # of an image, its features
    ]
    mean = store.state[used].mean(axis=0)[:3]
    assert any(np.allclose(array[:3], mean, rtol=1e-4) for array in stored)


def test_its_policy_loads_and_acts_in_the_units_of_the_dataset(run_dir):
    demos = wtl.load_dataset(run_dir / "datasets" / "wtl_demos")
    policy = wtl.load_policy(run_dir / "policies" / "mil")
    assert policy.observations in (("arm/joints",), ("arm/joints", "camera"))
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


def _refused(capsys, said: str, *arguments):
    """Check that a command fails with one line that says this."""
    capsys.readouterr()
    assert _wtl(*arguments) == 1
    *_, line = capsys.readouterr().err.strip().splitlines()
    assert said in line and line.startswith("wtl: ")


def test_what_is_not_there_is_named(tmp_path, capsys):
    domain = "--gin_bindings=suite.domain = 'dataset'"
    run = f"--run_dir={tmp_path}/run"
    _refused(capsys, "`wtl import`", "train_trial", GIN, run, domain)
    _arm(tmp_path / "0.hdf5", 0)
    assert _import(tmp_path / "0.hdf5", tmp_path / "run/datasets") == 0
    _refused(capsys, "`wtl train_trial`", "evaluate", GIN, run)


def test_episodes_from_which_nothing_can_be_learnt_are_refused(tmp_path, capsys):
    run, out = f"--run_dir={tmp_path}/run", tmp_path / "run/datasets"
    _arm(tmp_path / "0.hdf5", 0, episodes=1)
    assert _import(tmp_path / "0.hdf5", out) == 0
    _refused(capsys, "no task has two", "train_trial", GIN, run)
    assert _import(tmp_path / "0.hdf5", out, acts=False) == 0
    _refused(capsys, "has no actions", "train_trial", GIN, run)
    _arm(tmp_path / "1.hdf5", 1, actions=np.full((20, 4), np.nan))
    capsys.readouterr()
    assert _import(tmp_path / "1.hdf5", out) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "'action' is not finite at step 0; nothing is published" in line


def test_episodes_alone_in_their_tasks_are_left_out(tmp_path, capsys):
    run = f"--run_dir={tmp_path}/run"
    # Of the test tasks, the last two, one has two episodes.
    counts = [EPISODES, *[1] * 8, 2]
    for task, count in enumerate(counts):
        _arm(tmp_path / f"{task}.hdf5", task, episodes=count)
        option = f"--set=split={'test' if task >= 8 else 'train'}"
        file, out = tmp_path / f"{task}.hdf5", tmp_path / str(task)
        assert _import(file, out, sees=False, option=option) == 0
    parts = [tmp_path / f"{task}/wtl_demos" for task in range(len(counts))]
    assert _wtl("dataset", "merge", *parts, f"--out={tmp_path}/run/datasets") == 0
    # Where all are the only ones of their tasks, BC is evaluated alone.
    for methods, episodes in (("'bc',", 3), ("'mil', 'bc'", 2)):
        options = f"--gin_bindings=train_trial.methods = ({methods})"
        for stage in ("train_trial", "evaluate"):
            assert _wtl(stage, GIN, run, options) == 0
        results = tmp_path / "run/evaluation/offline/results.json"
        assert json.loads(results.read_text())["protocol"]["episodes"] == episodes
    assert "1 of 3 held-out episodes are the only ones" in capsys.readouterr().out


def test_what_training_holds_out_is_evaluated_where_episodes_are_invalid(tmp_path):
    for number, invalid in enumerate(("false", "true")):
        (tmp_path / str(number)).mkdir()
        file, out = tmp_path / f"{number}/lift.hdf5", tmp_path / f"{number}/out"
        _arm(file, number, episodes=15)
        option = f"--set=invalid={invalid}"
        assert _import(file, out, sees=False, option=option) == 0
    parts = [tmp_path / f"{number}/out/wtl_demos" for number in range(2)]
    assert _wtl("dataset", "merge", *parts, f"--out={tmp_path}") == 0
    path = location.resolve(tmp_path / "wtl_demos")
    found = HeldOut(path, {}, has_numbers=True, demos_given=True)
    store = reader.read(path, "train")
    kept, valid = held_out(path, store), ~store["invalid"]
    assert kept.sum() == 3 and len(found.test) == (kept & valid).sum() > 0
    ids = [set(store["episode_id"][mask]) for mask in (kept & valid, ~kept & valid)]
    assert ids == [set(s["episode_id"]) for s in (found.test, found.train)]


def test_two_recordings_of_one_task_are_merged(tmp_path):
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        _arm(tmp_path / f"{number}/lift.hdf5", number)
        out = tmp_path / f"{number}/out"
        assert _import(tmp_path / f"{number}/lift.hdf5", out, sees=False) == 0
    parts = [tmp_path / f"{number}/out/wtl_demos" for number in range(2)]
    assert _wtl("dataset", "merge", *parts, f"--out={tmp_path}") == 0
    demos = wtl.load_dataset(tmp_path / "wtl_demos")
    assert len({demo.id for demo in demos}) == 2 * EPISODES
    assert len({demo.metadata["task_id"] for demo in demos}) == 1


def test_datasets_of_another_spec_are_not_merged(tmp_path, capsys):
    for task, joints in enumerate((3, 2)):
        _arm(tmp_path / f"{task}.hdf5", task, 1, joints=np.zeros((9, joints)))
        assert _import(tmp_path / f"{task}.hdf5", tmp_path / str(task)) == 0
    parts = [tmp_path / f"{task}/wtl_demos" for task in range(2)]
    said = "observation 'arm/joints': 2 numbers"
    _refused(capsys, said, "dataset", "merge", *parts, f"--out={tmp_path}")


def test_other_data_than_its_own_are_refused_by_field(run_dir, tmp_path, capsys):
    policy = wtl.load_policy(run_dir / "policies" / "mil")
    sees = "camera" in policy.observations
    for array, number, said in (
        ({"joints": np.zeros((9, 2))}, 0, "2 numbers of 'arm/joints'"),
        ({"actions": np.zeros((9, 3))}, 1, "3 numbers of 'action'"),
    ):
        _arm(tmp_path / f"{number}.hdf5", 0, 1, **array)
        assert (
            _import(tmp_path / f"{number}.hdf5", tmp_path / str(number), sees=sees) == 0
        )
        (demo,) = wtl.load_dataset(tmp_path / f"{number}/wtl_demos")
        with pytest.raises(UserError, match=said):
            policy.reset(demos=[demo])
    # A later version of the dataset may have other episodes and observations.
    run = shutil.copytree(run_dir, tmp_path / "run")
    _arm(tmp_path / "2.hdf5", 0)
    assert _import(tmp_path / "2.hdf5", run / "datasets", sees=sees) == 0
    _refused(capsys, "run `wtl train_trial`", "evaluate", GIN, f"--run_dir={run}")
