"""The functions that `import wtl` offers, as a user calls them."""

import json
import pathlib
import re
import runpy
import subprocess
import sys

import numpy as np
import pytest

import wtl
from wtl.datasets.contract.errors import UserError
from wtl.datasets.storage import verify


def test_importing_prints_nothing_and_imports_nothing_heavy():
    code = "import wtl, sys; assert not {'tensorflow', 'mujoco'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_names_are_listed_and_others_are_attribute_errors():
    assert {"make_env", "load_dataset", "load_policy", "run"} <= set(dir(wtl))
    with pytest.raises(AttributeError, match="make_environment"):
        _ = wtl.make_environment


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
    with pytest.raises(UserError, match="acts on a dict of state"):
        mil.act({})
    with pytest.raises(UserError, match="no policy"):
        wtl.load_policy(tmp_path)


class Replay:
    """Plays the actions of the demonstration."""

    resets = 0

    def __init__(self, gain=1.0, episodes=99):
        self.gain, self.episodes = gain, episodes

    def reset(self, demos, trials):
        self.resets += 1
        if self.resets > self.episodes:
            raise KeyboardInterrupt
        (demo,) = demos
        self.trials = [trial.metadata["role"] for trial in trials]
        self.actions = iter(self.gain * demo.steps["action"])

    def act(self, observation):
        return next(self.actions)


def test_a_policy_of_the_run_gets_its_own_numbers_again(run_dir):
    own = (run_dir / "evaluation" / "results.json").read_bytes()
    policy = wtl.load_policy(run_dir / "policies" / "wtl")
    found = wtl.evaluate(policy, run_dir, "again", trials_from="mil")
    methods = found["methods"]
    assert list(methods) == ["wtl", "mil", "again"]
    assert methods["again"] == methods["wtl"] == json.loads(own)["methods"]["wtl"]
    assert found["paired"]["again_vs_wtl"]["difference"] == 0
    folder = run_dir / "evaluation" / "again"
    assert json.loads((folder / "results.json").read_text()) == found
    assert "again" in (folder / "report.html").read_text()
    assert (run_dir / "evaluation" / "results.json").read_bytes() == own
    again, played = (
        wtl.load_dataset(each / "datasets" / "wtl_evaluations").where(role="retrial")
        for each in (folder, run_dir)
    )
    for one, other in zip(again, played, strict=True):
        # A batch of another size is rounded otherwise, which contacts amplify later on.
        first, second = (each.steps["action"][:10] for each in (one, other))
        np.testing.assert_allclose(first, second, atol=1e-3)
        names = ("policy_id", "parent_demo_ids", "parent_trial_ids", "scene_seed")
        assert [one.metadata[n] for n in names] == [other.metadata[n] for n in names]


def test_an_interrupted_evaluation_of_an_own_policy_resumes(run_dir, capsys):
    with pytest.raises(KeyboardInterrupt):
        wtl.evaluate(Replay(episodes=5), run_dir, "replay", trials_from="mil")
    policy = Replay()
    first = wtl.evaluate(policy, run_dir, "replay", trials_from="mil")
    # One of the five staged episodes is checked, five are played.
    assert policy.resets == 6 and policy.trials == ["eval"]
    assert first["methods"]["replay"]["overall"]["n"] == 10
    assert "given_trial_failed" in first["methods"]["replay"]
    said = capsys.readouterr()
    assert "replay − MIL" in said.out and "episode/s" in said.err
    again = Replay()
    assert wtl.evaluate(again, run_dir, "replay", trials_from="mil") == first
    assert again.resets == 1
    datasets = run_dir / "evaluation" / "replay" / "datasets"
    assert [path.name for path in (datasets / "wtl_evaluations").iterdir()] == ["1.0.0"]
    assert not verify.verify(datasets / "wtl_evaluations" / "1.0.0")
    with pytest.raises(UserError, match="of another policy"):
        wtl.evaluate(Replay(gain=0.5), run_dir, "replay", trials_from="mil")


def test_a_function_plays_in_another_scene(run_dir):
    found = wtl.evaluate(lambda o: np.zeros(5), run_dir, "still", new_scene=True)
    assert found["paired"]["still_vs_mil"]["n"] == 10
    rows = (run_dir / "evaluation" / "still" / "episodes.csv").read_text()
    ours, mil = ([r for r in rows.split() if r.startswith(n)] for n in ("still", "mil"))
    assert len(ours) == 10
    assert not {r.split(",")[5] for r in ours} & {r.split(",")[5] for r in mil}


@pytest.mark.parametrize(
    ("policy", "settings", "said"),
    [
        (lambda o: np.zeros(4), {}, r"step 0: the action has shape \(4,\), not \(5,\)"),
        (lambda o: np.full(5, np.nan), {}, "step 0: the action is not finite"),
        (lambda o: np.full(5, 2.0), {}, r"step 0: the action is outside \[-1"),
        (lambda o: "left", {}, "step 0: the action has shape"),
        (3, {}, "neither a function nor"),
        (Replay(), {"name": "bc"}, "'bc' is a condition"),
        (Replay(), {"name": "../mine"}, "name '../mine'"),
        (Replay(), {"trials_from": "bc"}, "'bc'; .* has wtl, mil"),
        (Replay(), {"split": "val"}, "not evaluated on val"),
    ],
)
def test_own_policies_that_do_not_fit_are_one_clear_error(
    run_dir, policy, settings, said
):
    with pytest.raises(UserError, match=said):
        wtl.evaluate(policy, run_dir, **settings)


def test_an_own_policy_needs_the_run_as_it_was_evaluated(run_dir, tmp_path):
    with pytest.raises(UserError, match="no folder of a run"):
        wtl.evaluate(Replay(), tmp_path)
    config = run_dir / "config.gin"
    text = config.read_text()
    config.write_text(text.replace("suite.test_tasks = 5", "suite.test_tasks = 1"))
    try:
        with pytest.raises(UserError, match="another configuration .* `wtl evaluate`"):
            wtl.evaluate(Replay(), run_dir)
    finally:
        config.write_text(text)
    policy = wtl.load_policy(run_dir / "policies" / "wtl")
    with pytest.raises(UserError, match="trials_from='mil'"):
        wtl.evaluate(policy, run_dir)
    policy.takes_human_videos = True
    with pytest.raises(UserError, match="takes human videos"):
        wtl.evaluate(policy, run_dir, trials_from="mil")
    policy.takes_human_videos = False
    policy.world = "moon"
    with pytest.raises(UserError, match="acts in world 'moon'"):
        wtl.evaluate(policy, run_dir, trials_from="mil")


@pytest.mark.parametrize(
    ("example", "arguments", "said"),
    [
        ("own_policy", ("RUN",), "replay again − MIL"),
        ("gym_view", ("reacher",), "scene 2: "),
        ("record", ("FOLDER/swings",), "swings-demo-upright-00003-"),
    ],
)
def test_the_scripts_of_the_folder_of_examples_run(
    example, arguments, said, run_dir, tmp_path, monkeypatch, capsys
):
    places = {"RUN": str(run_dir), "FOLDER": str(tmp_path)}
    given = [re.sub("[A-Z]+", lambda m: places[m[0]], a) for a in arguments]
    monkeypatch.setattr(sys, "argv", [example, *given])
    runpy.run_path(f"examples/{example}.py", run_name="__main__")
    assert said in capsys.readouterr().out


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
    assert "wtl.run(" in blocks[0] and len(blocks) == 7
    exec("\n".join(blocks[1:]), {"wtl": wtl})
    said = capsys.readouterr().out.split()
    assert said[1:3] == ["(41,", "88)"] and {"success", "failure"} & set(said)
    assert (run_dir / "evaluation" / "my policy" / "report.html").is_file()
    assert len(wtl.load_dataset("data/my_demos")) == 1


@pytest.mark.slow
def test_a_script_that_its_workers_would_run_again_is_told_to_guard_the_call(tmp_path):
    tiny = pathlib.Path(__file__).resolve().parents[1] / "tiny.gin"
    call = f"wtl.run({str(tiny)!r}, {str(tmp_path / 'run')!r}, stage='collect_demos')"
    (tmp_path / "script.py").write_text(f"import wtl\n{call}\n")
    done = subprocess.run(
        [sys.executable, tmp_path / "script.py"], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert 'put the call of wtl.run() below `if __name__ == "__main__":`' in done.stderr
