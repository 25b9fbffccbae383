"""Recording of a user's own loops with `wtl.record`."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

import wtl
from tests import plain_module
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract.errors import UserError
from wtl.datasets.format import schema
from wtl.datasets.storage import verify
from wtl.viewer.library import Library


class Sorting(gymnasium.Env):
    """Parts on a belt, seen by a camera."""

    observation_space = spaces.Dict(
        {
            "camera": spaces.Box(0, 255, (6, 8, 3), np.uint8),
            "belt": spaces.Dict({"parts": spaces.Box(-9.0, 9.0, (4, 2))}),
        }
    )
    action_space = spaces.Box(np.array([0.0, -3.0]), np.array([2.0, 3.0]))

    def __init__(self, limit=np.inf):
        self.action_space = spaces.Box(np.zeros(2), np.full(2, limit))
        if np.isfinite(limit):
            self.action_space = type(self).action_space

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self._observation(), {"seed": seed, "options": options}

    def step(self, action):
        self.t += 1
        info = {"success": self.t == 3}
        return self._observation(), 0.25, self.t == 3, False, info

    def _observation(self):
        return {
            "camera": np.full((6, 8, 3), self.t, np.uint8),
            "belt": {"parts": np.full((4, 2), self.t, np.float32)},
        }


def play(env, action=(1.5, -2.5)):
    observation, info = env.reset(seed=4)
    ended = cut_off = False
    while not (ended or cut_off):
        observation, reward, ended, cut_off, info = env.step(np.array(action))
    return observation, reward, ended, cut_off, info


def test_episodes_of_a_gymnasium_loop_become_a_dataset(tmp_path):
    folder = tmp_path / "sorted_parts"
    with wtl.record(
        Sorting(3.0), folder, task_id="red", family="sort", demonstrator="me"
    ) as env:
        _, info = env.reset(seed=4, options={"fast": True})
        assert info == {"seed": 4, "options": {"fast": True}}
        observation, reward, ended, cut_off, info = play(env)
        assert (reward, ended, cut_off, info) == (0.25, True, False, {"success": True})
        assert observation["belt"]["parts"].shape == (4, 2)
        env.describe(task_id="blue", instruction="Sort the blue parts.", split="val")
        env.describe(notes="slowly")
        play(env)
        env.reset()
        env.step(np.zeros(2))
    first, second = wtl.load_dataset(folder, "train"), wtl.load_dataset(folder, "val")
    (red,), (blue,) = first, second
    assert red.steps["camera"].shape == (4, 6, 8, 3)
    assert red.steps["camera"].dtype == np.uint8
    np.testing.assert_array_equal(red.steps["belt/parts"][:, 0, 0], np.arange(4))
    np.testing.assert_array_equal(red.steps["action"][:3], [[1.5, -2.5]] * 3)
    names = ("task_id", "family", "role", "demonstrator", "success", "notes")
    assert [red.metadata[n] for n in names] == ["red", "sort", "demo", "me", True, ""]
    assert blue.metadata["task_id"] == "blue" and blue.metadata["notes"] == "slowly"
    assert blue.metadata["instruction"] == "Sort the blue parts."
    assert red.metadata["scene_seed"] != blue.metadata["scene_seed"]
    assert not verify.verify(folder / "1.0.0")
    assert len(Library(folder)) == 2


def test_later_recordings_add_to_a_dataset(tmp_path):
    folder = tmp_path / "parts"
    for _ in range(2):
        with wtl.record(Sorting(3.0), folder, success=lambda: False) as env:
            play(env)
    assert [version.name for version in sorted(folder.iterdir())] == ["1.0.0", "2.0.0"]
    episodes = wtl.load_dataset(folder)
    assert [episode.metadata["success"] for episode in episodes] == [False, False]
    assert not verify.verify(folder / "2.0.0")


def test_what_was_ended_survives_a_kill(tmp_path):
    script = f"""
import os, signal, wtl
from tests.api.test_recording import Sorting, play
env = wtl.record(Sorting(3.0), {str(tmp_path / "parts")!r}, task_id="killed")
play(env), play(env), env.reset()
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], env=os.environ)
    assert done.returncode == -signal.SIGKILL
    with wtl.record(Sorting(3.0), tmp_path / "parts", task_id="resumed") as env:
        play(env)
    names = [e.metadata["task_id"] for e in wtl.load_dataset(tmp_path / "parts")]
    assert sorted(names) == ["killed", "killed", "resumed"]


def test_a_kill_between_publishing_and_cleaning_leaves_no_copy(tmp_path, monkeypatch):
    folder = tmp_path / "belt"
    remove = shutil.rmtree

    def killed(path, **settings):
        if path == folder / "staging":
            raise SystemExit
        remove(path, **settings)

    env = wtl.record(Sorting(3.0), folder, family="sort")
    play(env)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", killed)
        with pytest.raises(SystemExit):
            env.publish()
    env.close()
    assert (folder / "staging").exists()
    env = wtl.record(Sorting(3.0), folder, family="sort")
    assert env.publish() is None
    play(env)
    assert len(wtl.load_dataset(env.publish())) == 2
    env.close()


def test_an_error_leaves_episodes_staged(tmp_path):
    with (
        pytest.raises(KeyboardInterrupt),
        wtl.record(Sorting(3.0), tmp_path / "parts") as env,
    ):
        play(env)
        raise KeyboardInterrupt
    with pytest.raises(FileNotFoundError):
        wtl.load_dataset(tmp_path / "parts")
    with wtl.record(Sorting(3.0), tmp_path / "parts"):
        pass
    assert len(wtl.load_dataset(tmp_path / "parts")) == 1


def test_a_dm_env_loop_is_cut_off_at_the_horizon(tmp_path):
    env = plain_module.Point((1.0, 0.0), seed=3)
    with wtl.record(env, tmp_path / "points", horizon=3, control_hz=2.0) as env:
        timestep = env.reset()
        assert set(timestep.observation["robot"]) == {"position", "velocity"}
        while not timestep.last():
            timestep = env.step(np.array([0.2, 0.0]))
        assert timestep.discount == 1.0 and env.step(np.zeros(2)).first()
    (episode,) = wtl.load_dataset(tmp_path / "points")
    assert episode.steps["robot/position"].shape == (4, 2)
    np.testing.assert_allclose(episode.steps["timestamp"], np.arange(4) / 2)
    assert not episode.metadata["success"]


def test_an_episode_of_a_world_is_one_as_its_stages_make(tmp_path):
    env = wtl.make_env("tabletop", split="val")
    with wtl.record(env, tmp_path / "wtl_demos", demonstrator="me") as env:
        with pytest.raises(UserError, match="task_id cannot be set"):
            env.describe(task_id="mine")
        timestep = env.reset()
        while not timestep.last():
            timestep = env.step(np.zeros(5))
    version = tmp_path / "wtl_demos" / "1.0.0"
    assert schema.stored_spec(version) == TaskDistribution().episode_spec()
    (episode,) = wtl.load_dataset(version)
    assert episode.metadata["task_id"].startswith("val-00000-")
    assert episode.metadata["env_version"] and not episode.metadata["success"]
    assert not verify.verify(version)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"colour": "red"}, "unknown metadata field 'colour'"),
        ({"task_id": 3}, "'task_id' must be text, not 3"),
        ({"split": "exam"}, "split 'exam' is none of train"),
        ({"folder": "My data"}, "'My data' cannot name a dataset"),
        ({"env": Sorting()}, "'data'.* is no vector with finite limits"),
        ({"env": gymnasium.make("CartPole-v1")}, "neither a Box nor a Dict"),
    ],
)
def test_what_cannot_be_recorded_is_one_clear_error(tmp_path, settings, said):
    env, folder = Sorting(3.0), "data"
    env, folder = settings.pop("env", env), settings.pop("folder", folder)
    with pytest.raises(UserError, match=said):
        wtl.record(env, tmp_path / folder, **settings)


def test_an_action_that_does_not_fit_is_refused_at_once(tmp_path):
    with wtl.record(Sorting(3.0), tmp_path / "data") as env:
        env.reset()
        with pytest.raises(UserError, match=r"step 0: the action has shape \(3,\)"):
            env.step(np.zeros(3))
        with pytest.raises(UserError, match="step 0: the action is outside"):
            env.step(np.array([-1.0, 0.0]))
        play(env)
    point = plain_module.Point((1.0, 0.0), seed=3)
    with pytest.raises(schema.DatasetMismatchError, match="robot/position"):
        wtl.record(point, tmp_path / "data")


@pytest.mark.slow
def test_training_reads_recorded_demonstrations(tmp_path):
    run_dir = tmp_path / "run"
    for split, count in (("train", 8), ("val", 1)):
        for task in range(count):
            env = wtl.record(
                wtl.make_env("plain_point", split=split, task=task),
                run_dir / "datasets" / "wtl_demos",
            )
            act = plain_module.expert(env.env.scene_config.task)
            for _ in range(2):
                timestep = env.reset()
                while not timestep.last():
                    timestep = env.step(act(env.env.native, timestep))
            # Staged until the last one publishes all.
            env.close()
    with wtl.record(wtl.make_env("plain_point"), env.recording.folder):
        pass
    assert len(wtl.load_dataset(run_dir / "datasets" / "wtl_demos")) == 18
    config = tmp_path / "point.gin"
    tiny = pathlib.Path("tests/tiny.gin").absolute()
    config.write_text(
        f"import tests.plain_module\ninclude '{tiny}'\nsuite.domain = 'plain_point'\n"
    )
    bindings = ("suite.train_tasks = 8", "suite.val_tasks = 1")
    wtl.run(config, run_dir, bindings, stage="train_trial")
    policy = wtl.load_policy(run_dir / "policies" / "mil")
    policy.reset(demos=wtl.load_dataset(run_dir / "datasets" / "wtl_demos", "val")[:1])
    env = wtl.make_env("plain_point")
    assert policy.act(env.reset().observation).shape == (2,)
