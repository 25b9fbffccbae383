"""The functions that `import wtl` offers, as a user calls them."""

import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

import wtl
from wtl.datasets.contract.errors import UserError

_TINY = (
    "suite.train_tasks = 10",
    "suite.train_object_sets = 10",
    "suite.val_tasks = 1",
    "suite.test_tasks = 2",
    "train_trial.steps = 4",
    "train_trial.batch_size = 8",
    "train_trial.methods = ('mil',)",
    "collect_trials.sources = ('mil',)",
    "collect_trials.contexts_per_method = 10",
    "train_retrial.methods = ('wtl',)",
    "train_retrial.steps = 4",
    "train_retrial.batch_size = 8",
    "evaluate.conditions = ('mil', 'wtl')",
)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api") / "run"
    return wtl.run("gin_configs/quickstart.gin", folder, _TINY)


def test_importing_prints_nothing_and_imports_nothing_heavy():
    code = "import wtl, sys; assert not {'tensorflow', 'mujoco'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_names_are_listed_and_others_are_attribute_errors():
    assert {"make_env", "load_dataset", "load_policy", "run"} <= set(dir(wtl))
    with pytest.raises(AttributeError, match="make_environment"):
        _ = wtl.make_environment


def test_an_environment_plays_an_episode_and_then_another_scene():
    env = wtl.make_env("tabletop", families=("press",), seed=3)
    first = env.reset().observation["state"]
    steps = 0
    while not env.step(np.zeros(5)).last():
        steps += 1
    assert steps == 39
    assert not np.array_equal(env.reset().observation["state"], first)
    again = wtl.make_env("tabletop", families=("press",), seed=3)
    np.testing.assert_array_equal(again.reset().observation["state"], first)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"world": "moon"}, "'moon' is none of tabletop"),
        ({"task": 10_000}, "there is no task 10000"),
        ({"world": "reacher", "pixels": 64}, "has no camera"),
        ({"familys": ("press",)}, "familys"),
        ({"families": ("juggle",)}, "'juggle'"),
    ],
)
def test_a_wrong_argument_is_one_clear_error(arguments, said):
    with pytest.raises(UserError, match=said):
        wtl.make_env(**arguments)


def test_a_policy_acts_given_a_demonstration_and_a_trial(run_dir):
    demos = wtl.load_dataset(run_dir / "datasets" / "wtl_demos", "test")
    trials = wtl.load_dataset(run_dir / "datasets" / "wtl_evaluations", "test")
    demo = demos[0]
    trial = trials.where(task_id=demo.metadata["task_id"], role="eval")[0]
    policy = wtl.load_policy(run_dir / "policies" / "wtl")
    assert (policy.world, policy.takes_demos, policy.takes_trials) == (
        ("tabletop", True, True)
    )
    env = wtl.make_env(policy.world)
    timestep = env.reset()
    policy.reset(demos=[demo], trials=[trial])
    actions = []
    while not timestep.last():
        actions.append(policy.act(timestep.observation))
        timestep = env.step(actions[-1])
    assert np.shape(actions) == (40, 5) and np.abs(actions).max() <= 1
    assert np.std(actions, axis=0).max() > 0


def test_it_acts_as_in_the_evaluation(run_dir):
    """The first action of an evaluated episode comes out again."""
    demos = wtl.load_dataset(run_dir / "datasets" / "wtl_demos", "test")
    policy = wtl.load_policy(run_dir / "policies" / "mil")
    played = wtl.load_dataset(run_dir / "datasets" / "wtl_evaluations", "test")
    episode = played.where(policy_id=policy.policy_id)[0]
    (name,) = episode.metadata["parent_demo_ids"]
    policy.reset(demos=demos.where(episode_id=name))
    for step in range(3):
        action = policy.act({"state": episode.steps["state"][step]})
        np.testing.assert_allclose(action, episode.steps["action"][step], atol=1e-5)


def test_misuse_of_a_policy_is_one_clear_error(run_dir, tmp_path):
    policy = wtl.load_policy(run_dir / "policies" / "wtl")
    with pytest.raises(UserError, match=r"call reset\(demos=..., trials=...\)"):
        policy.act({})
    demos = wtl.load_dataset(run_dir / "datasets" / "wtl_demos", "test")
    with pytest.raises(UserError, match="takes trials"):
        policy.reset(demos=[demos[0]])
    mil = wtl.load_policy(run_dir / "policies" / "mil")
    mil.reset(demos=[demos[0]])
    with pytest.raises(UserError, match="acts on state"):
        mil.act({})
    with pytest.raises(UserError, match="no policy"):
        wtl.load_policy(tmp_path)


def test_a_missing_dataset_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="wtl_demos"):
        wtl.load_dataset(tmp_path / "wtl_demos")


def test_the_code_of_the_guide_runs(run_dir, tmp_path, monkeypatch, capsys):
    """All blocks of `docs/python.md` but the first, which runs the quick start."""
    text = pathlib.Path("docs/python.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "quickstart").symlink_to(run_dir)
    monkeypatch.chdir(tmp_path)
    assert "wtl.run(" in blocks[0] and len(blocks) == 3
    exec("\n".join(blocks[1:]), {"wtl": wtl})
    said = capsys.readouterr().out.split()
    assert said[1:3] == ["(41,", "88)"] and said[-1] in ("success", "failure")
