"""`wtl record`: keys of a terminal, episodes that survive, errors in one line."""

import dataclasses
import io
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time

import numpy as np
import pytest

import wtl
from tests import heeding
from wtl.collection.worlds import registry
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.commands import cli
from wtl.datasets.contract import fields
from wtl.datasets.format import schema
from wtl.datasets.reading import reader
from wtl.datasets.storage import staging, verify
from wtl.pipeline import controller
from wtl.pipeline import record as pipeline

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_WORLD = "--world=tests.plain_module:POINT"


class Operator:
    """Process of the command with a terminal of its own."""

    def __init__(self, *arguments: str):
        self.terminal, theirs = pty.openpty()
        self.settings = termios.tcgetattr(self.terminal)
        arguments = ("-m", "wtl", "record", _WORLD, *arguments)
        self.process = subprocess.Popen(
            heeding.command(*arguments, has_terminal=True),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        self._theirs = theirs  # open, so that the settings can be read at the end
        self._said = ""
        # Keys that come before are dropped.
        self.sees("enter start")

    def sees(self, pattern: str):
        """Wait for a text, after those that were waited for."""
        until = time.monotonic() + 60
        while not (found := re.search(pattern, self._said)):
            left = until - time.monotonic()
            ready = select.select([self.terminal], [], [], max(0, left))[0]
            assert ready, f"{pattern!r} is not in {self._said!r}"
            self._said += os.read(self.terminal, 4096).decode()
        self._said = self._said[found.end() :]

    def presses(self, keys: str, sees: str):
        os.write(self.terminal, keys.encode())
        self.sees(sees)

    @property
    def has_its_terminal_back(self) -> bool:
        return termios.tcgetattr(self.terminal) == self.settings

    def ends(self) -> int:
        return self.process.wait(60)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)
        os.close(self._theirs)


@pytest.fixture
def operator():
    """Makes operators."""
    made = []

    def make(*arguments):
        made.append(Operator(*arguments))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def record(monkeypatch):
    """Runs the command without a terminal; returns its status."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main(["record", *arguments])
        return ended.value.code

    return run


def _act(name: str) -> str:
    return f"--act=tests.controllers:{name}"


def test_keys_keep_redo_discard_override_undo_and_quit(operator, tmp_path):
    folder = tmp_path / "points"
    person = operator(_act("towards"), f"--out={folder}", "--episodes=4", "--fast")
    person.presses("n", "nothing to keep")
    person.presses("\n", "step 15/15, success")
    person.presses("o", "counts as a failure")
    person.presses("n", "success test does not hold")
    person.presses("\n", "Here is the same scene again")
    person.presses("\n", "step 15/15, success")
    person.presses("r", "enter start")
    person.presses("d", "comes again at the end")
    for kept in (1, 2):
        person.presses("\n", "success")
        person.presses("n", f"{kept}/4 kept")
    person.presses("u", "1/4 kept")
    person.presses("u", "0/4 kept")
    person.presses("u", "No kept episode")
    for kept in (1, 2, 3, 4):
        person.presses("\n", "success")
        person.presses("\n", f"{kept}/4 kept")
    person.presses("n", "Everything is recorded")
    person.presses("q", "q again ends")
    person.presses("x", "4/4 kept")
    person.presses("qq", "1.0.0 holds all")
    assert person.ends() == 0 and person.has_its_terminal_back
    episodes = wtl.load_dataset(folder)
    numbers = sorted(int(episode.id.split("-")[-2]) for episode in episodes)
    assert numbers == [0, 1, 2, 3]
    assert {e.metadata["demonstrator"] for e in episodes} == {
        "tests.controllers:towards"
    }
    assert all(e.metadata["success"] and not e.metadata["notes"] for e in episodes)
    assert not verify.verify(folder / "1.0.0")


def test_an_episode_may_end_before_its_horizon(operator, tmp_path):
    folder = tmp_path / "points"
    person = operator(_act("away"), f"--out={folder}", "--episodes=2")
    person.presses("\n", "step [2-9]/15, [0-9.]+ Hz")
    # Nothing moves while a question is open.
    person.presses("q", "q again ends")
    time.sleep(1.6)
    person.presses("xnon", "success test does not hold")
    person.sees("counts as a success")
    person.sees("1/2 kept")
    person.presses("qq", "1.0.0 holds all")
    assert person.ends() == 0
    (episode,) = wtl.load_dataset(folder)
    assert 3 <= len(episode) <= 15 and not episode.steps["is_terminal"][-1]
    assert episode.metadata["success"] and episode.steps["reward"][-2] == 1
    assert "overruled by the operator" in episode.metadata["notes"]
    rate = float(re.search(r"rate ([\d.]+) Hz of 10", episode.metadata["notes"])[1])
    assert rate < 11


def test_what_was_kept_survives_a_kill(operator, record, tmp_path):
    folder = tmp_path / "points"
    person = operator(_act("towards"), f"--out={folder}", "--episodes=3", "--fast")
    person.presses("\n", "success")
    person.presses("n", "1/3 kept")
    person.presses("\n", "success")
    person.process.send_signal(signal.SIGKILL)
    assert person.ends() == -signal.SIGKILL
    (kept,) = staging.iterate_staged(folder / "staging")
    again = (_WORLD, _act("towards"), f"--out={folder}", "--episodes=3", "--fast")
    assert record(*again) == 0
    episodes = {episode.id: episode for episode in wtl.load_dataset(folder)}
    assert len(episodes) == 3
    np.testing.assert_array_equal(
        episodes[kept.id].steps["action"], kept.steps["action"]
    )
    # Everything is there: the same command records nothing more.
    assert record(*again) == 0
    assert [version.name for version in folder.iterdir()] == ["1.0.0"]


@pytest.mark.parametrize(
    "ending, said", (("\x03", "interrupted; rerun"), ("\n", "nan"))
)
def test_the_terminal_is_restored(ending, said, operator, tmp_path):
    person = operator(_act("breaking"), f"--out={tmp_path}/points", "--fast")
    for kept in (1, 2):
        person.presses("\n", "success")
        person.presses("n", f"{kept}/50 kept")
    person.presses(ending, said)
    assert person.ends() > 0 and person.has_its_terminal_back
    assert len(list(staging.iterate_staged(tmp_path / "points" / "staging"))) == 2


def test_an_action_that_is_none_names_step_and_spec(record, tmp_path, capfd):
    out = f"--out={tmp_path}/points"
    arguments = (_WORLD, out, "--episodes=4", "--fast")
    assert record(*arguments, _act("breaking")) == 1
    line = capfd.readouterr().err.splitlines()[-1]
    assert "step 4: the action is not finite: [nan nan]" in line
    assert "takes 2 numbers from [-0.2 -0.2] to [0.2 0.2]; kept episodes (2)" in line
    assert record(*arguments, _act("towards")) == 0
    assert len(wtl.load_dataset(tmp_path / "points")) == 4


def test_failures_are_not_kept_without_an_operator(record, tmp_path, capfd):
    out = f"--out={tmp_path}/points"
    # The controller knows the goal of the first of the three tasks alone.
    tasks = ("--tasks=3", "--episodes=6", "--fast")
    assert record(_WORLD, _act("towards"), out, *tasks) == 1
    assert "4 demonstrations failed" in capfd.readouterr().err
    found = {e.metadata["task_id"] for e in wtl.load_dataset(tmp_path / "points")}
    assert found == {"train-00000"}


_DRIVERS = """
import dm_env, numpy as np
from dm_env import specs

class Arm(dm_env.Environment):
    def reset(self):
        self.joints, self.moved = np.zeros(2), 0
        return dm_env.restart({"joints": self.joints})

    def step(self, action):
        self.joints, self.moved = self.joints + action, self.moved + 1
        return dm_env.transition(0.0, {"joints": self.joints})

    def succeeded(self):
        return self.moved == 300

    def observation_spec(self):
        return {"joints": specs.Array((2,), float)}

    def action_spec(self):
        return specs.BoundedArray((2,), np.float32, -1.0, 1.0)

class Leader:
    def read(self):
        return np.full(2, 0.25)
"""


def test_the_example_of_the_page_records(tmp_path):
    page = (_ROOT / "docs" / "record.md").read_text()
    (tmp_path / "my_robot.py").write_text(page.split("```python\n")[1].split("```")[0])
    (tmp_path / "my_drivers.py").write_text(_DRIVERS)
    command = re.search(r"`wtl (record --world=my_robot\S+ .*)`", page)[1]
    done = subprocess.run(
        [sys.executable, "-m", "wtl", *command.split(), "--episodes=2", "--fast"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )
    assert done.returncode == 0
    episodes = wtl.load_dataset(tmp_path / "data" / "cups")
    assert [len(episode) for episode in episodes] == [301, 301]
    assert episodes[0].metadata["instruction"] == "Lift the cup."


class Expert:
    """The scripted expert of a world, as a controller."""

    def __init__(self, world):
        self._world = world
        self.world = dataclasses.replace(world, make_env=self._make_env)

    def _make_env(self, *arguments):
        self._env = self._world.make_env(*arguments)
        return self._env

    def reset(self, *, demos, trials):
        self._rng = np.random.default_rng(0)
        self._act = self._world.expert(self._env.scene_config, self._rng)

    def act(self, observation):
        return np.clip(self._act(self._env, 0.0, self._rng).executed, -1, 1)


def test_a_world_of_entities_is_recorded_as_its_stages_would(tmp_path):
    expert, folder = Expert(registry.get("tabletop")), tmp_path / "wtl_demos"
    tasks = pipeline.tasks(expert.world, "train", 0, 0, 1)
    acting = controller.Controller("expert", expert)
    version, missing = pipeline.record(
        expert.world, acting, folder, tasks, 3, 0, True, None
    )
    assert not missing and not verify.verify(version)
    suite = TaskDistribution()
    assert schema.stored_spec(version) == suite.episode_spec()
    # A training task has no rule: each entity is the target in turn.
    episodes = list(reader.iterate_episodes(version))
    assert len({e.metadata[fields.HIDDEN_TARGET] for e in episodes}) == 3
    (seed,) = {e.metadata["scene_seed"] for e in episodes}
    assert seed == suite.demonstration_scenes(tasks[0], 1)[0].scene_seed


@pytest.mark.parametrize(
    "arguments, said",
    (
        (("--act=tests.nowhere:act",), "tests.nowhere:act cannot be imported: Mod"),
        ((_act("missing"),), "no attribute 'missing'"),
        (("--act=tests.controllers",), "'tests.controllers' is not MODULE:NAME"),
        ((_act("Breaking"),), "neither a function nor an object with `act`"),
        ((_act("failing"),), "failing fails at step 0: ZeroDivisionError: "),
        ((_act("wide"),), r"step 0: the action has shape \(3,\), not \(2,\)"),
        ((_act("towards"), "--task=100"), "100 tasks, from 0; there is no task 100"),
        ((_act("towards"), "--task=99", "--tasks=2"), "there is no task 100"),
        ((_act("towards"), "--world=plain_pint"), "did you mean 'plain_point'"),
        ((_act("towards"), "--world=tests.controllers:away"), "is no world"),
        ((_act("towards"), "--out=My data"), "cannot name a dataset"),
    ),
)
def test_what_cannot_be_recorded_is_one_line(arguments, said, record, tmp_path, capfd):
    out = f"--out={tmp_path}/points"
    assert record(_WORLD, out, "--episodes=2", "--fast", *arguments) == 1
    line = capfd.readouterr().err.splitlines()[-1]
    assert line.startswith("wtl: ") and re.search(said, line)


def test_without_a_terminal_a_number_of_episodes_is_needed(record, tmp_path, capfd):
    assert record(_WORLD, _act("towards"), f"--out={tmp_path}/points") == 1
    assert "no terminal to read keys from: give --episodes=N" in capfd.readouterr().err
