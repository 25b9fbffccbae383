"""A dm_env environment of a user: its spec, its episodes and its demonstrations."""

import dataclasses
import pathlib
import re
import shutil

import dm_env
import numpy as np
import pytest

import wtl
from tests import plain_module
from tests.viewer.viewed import viewing
from wtl.collection import episode_request
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.worlds import registry
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.commands import cli
from wtl.datasets.contract.errors import UserError

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = f"""
import tests.plain_module

include '{ROOT}/tests/tiny.gin'

suite.domain = 'plain_point'
suite.train_tasks = 20
collect_demos.noise = 0.05
"""
TASK = plain_module.POINT.tasks("test", 0, count=1)[0]
ODD_TASK = dataclasses.replace(TASK, domain="odd")
PLACE = "world 'odd', task 'test-00000', scene seed 0"


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    (folder / "plain.gin").write_text(CONFIG)
    given = f"--gin_file={folder}/plain.gin", f"--run_dir={folder}/run"
    with pytest.raises(SystemExit, match="^0$"):
        cli.main(["collect_demos", *given])
    return folder / "run"


def test_demonstrations_are_in_its_units_and_succeed(run_dir):
    demo = wtl.load_dataset(run_dir / "datasets" / "wtl_demos", "train")[0]
    assert demo.steps["robot/position"].shape == (16, 2)
    # Noise is executed and not recorded.
    np.testing.assert_allclose(
        demo.steps["robot/velocity"][1:], demo.steps["action"][:-1], atol=0.05
    )
    assert np.abs(demo.steps["action"]).max() == np.float32(0.2)
    assert demo.metadata["success"] and demo.metadata["task_id"].startswith("train-")


def test_the_same_seed_gives_the_same_episode_and_others_follow():
    envs = [plain_module.POINT.make_env(TASK, 7) for _ in range(2)]
    first = [env.reset().observation["robot/position"] for env in envs]
    np.testing.assert_array_equal(*first)
    assert not np.array_equal(envs[0].reset().observation["robot/position"], first[0])


def test_an_episode_ends_where_its_environment_ends_it():
    class Short(plain_module.Point):
        def step(self, action):
            super().step(action)
            if self._step < 2:
                return dm_env.transition(0.0, self._observation())
            return dm_env.termination(1.0, self._observation())

    world = wtl.worlds.dm_env(
        "short",
        lambda task, seed: Short(task.parameters["goal"], seed),
        plain_module.tasks,
        horizon=4,
    )
    env = world.make_env(TASK, 0)
    env.reset()
    assert [env.step(np.ones(2)).last() for _ in range(2)] == [False, True]


@pytest.mark.parametrize(
    ("changes", "said"),
    (
        ({"action": (-np.inf, np.inf)}, "finite limits"),
        ({"text": True}, "'note' is of type"),
        ({"count": 0}, "no task"),
        ({"sets": ("robot/positon",)}, "observations are .* 'robot/position'?"),
        ({"deciding_steps": 0}, "deciding_steps is 0; it may be 1 to 4"),
        ({"deciding_steps": 5}, "deciding_steps is 5; it may be 1 to 4"),
        (
            {"sets": ("robot/position",)},
            r"2 numbers; a set is an image, or has the shape \(N, F\)",
        ),
    ),
)
def test_specs_that_do_not_fit_are_refused_at_once(changes, said):
    class Odd(plain_module.Point):
        def action_spec(self):
            limits = changes.get("action", (-1.0, 1.0))
            return dm_env.specs.BoundedArray((2,), np.float32, *limits)

        def observation_spec(self):
            spec = super().observation_spec()
            if "text" in changes:
                spec["note"] = dm_env.specs.StringArray((), str, "note")
            return spec

    def tasks(split, seed, count):
        return plain_module.tasks(split, seed, changes.get("count", count))

    with pytest.raises(UserError, match=f"world 'odd'.*{said}"):
        wtl.worlds.dm_env(
            "odd",
            lambda *_: Odd((1, 0), 0),
            tasks,
            horizon=4,
            sets=changes.get("sets", ()),
            deciding_steps=changes.get("deciding_steps"),
        )


def test_ids_that_splits_share_are_refused():
    def tasks(split, seed, count):
        return [wtl.worlds.Task(f"{i}", "reach", split) for i in range(count)]

    with pytest.raises(UserError, match="world 'odd': 3 tasks have the id '0'"):
        wtl.worlds.dm_env(
            "odd", lambda *_: plain_module.Point((1, 0), 0), tasks, horizon=4
        )


def test_fewer_tasks_than_wanted_are_refused(monkeypatch):
    few = dataclasses.replace(
        plain_module.POINT, tasks=lambda split, seed, **_: [TASK] * 3
    )
    monkeypatch.setattr(registry, "get", lambda name: few)
    suite = TaskDistribution(domain="plain_point", val_tasks=4)
    with pytest.raises(UserError, match="suite.val_tasks = 4, but .* has 3 tasks"):
        suite.tasks("val")


def test_seeds_fit_into_32_bits():
    made = []

    def make(task, seed):
        made.append(seed)
        return plain_module.Point((1, 0), seed)

    world = wtl.worlds.dm_env("odd", make, plain_module.tasks, horizon=4)
    world.make_env(TASK, 2**40 + 5).reset()
    assert made[-1] == 5


@pytest.mark.parametrize(
    ("observation", "said"),
    (
        (
            {"position": np.zeros(3), "velocity": np.zeros(2)},
            r"is float64\[3\], but its spec says shape \[2\]",
        ),
        ({"position": np.zeros(2)}, "'robot/velocity' is missing"),
        ({"position": np.zeros(2), "velocity": np.full(2, np.nan)}, "is not finite"),
    ),
)
def test_observations_that_do_not_fit_the_spec_are_named(observation, said):
    class Odd(plain_module.Point):
        def _observation(self):
            return {"robot": observation}

    world = wtl.worlds.dm_env(
        "odd", lambda *_: Odd((1, 0), 0), plain_module.tasks, horizon=4
    )
    with pytest.raises(UserError, match=f"{PLACE}: step 0: .*{said}"):
        world.make_env(ODD_TASK, 0).reset()


def _odd_world(environment, **settings):
    def make(task, seed):
        return environment(task.parameters["goal"], seed)

    return wtl.worlds.dm_env("odd", make, plain_module.tasks, horizon=4, **settings)


@pytest.mark.parametrize("method", ("reset", "step"))
def test_an_environment_that_fails_is_named(method):
    def fail(self, *_):
        raise ValueError("no power")

    failing = type("Failing", (plain_module.Point,), {method: fail})
    env = _odd_world(failing).make_env(ODD_TASK, 0)
    with pytest.raises(UserError, match=f"{PLACE}: {method}.* ValueError: no power"):
        env.reset()
        env.step(np.zeros(2))


@pytest.mark.parametrize("method", ("reset", "step"))
def test_an_environment_that_returns_no_timestep_is_named(method):
    odd = type("Odd", (plain_module.Point,), {method: lambda self, *_: None})
    env = _odd_world(odd).make_env(ODD_TASK, 0)
    with pytest.raises(UserError, match=f"{PLACE}: step [01]: it returned None, no"):
        env.reset()
        env.step(np.zeros(2))


def test_other_limits_of_actions_in_another_task_are_refused():
    class Stronger(plain_module.Point):
        def action_spec(self):
            limit = 0.2 if self._seed == 0 else 0.3
            return dm_env.specs.BoundedArray((2,), np.float32, -limit, limit)

    with pytest.raises(UserError, match="seed 1: step 0: the minimum of its actions"):
        _odd_world(Stronger).make_env(ODD_TASK, 1).reset()


def test_an_environment_that_never_ends_is_cut_off_at_the_horizon():
    class Endless(plain_module.Point):
        def step(self, action):
            return dm_env.transition(0.0, super().step(action).observation)

    env = _odd_world(Endless).make_env(ODD_TASK, 0)
    env.reset()
    ended = [env.step(np.zeros(2)).last() for _ in range(4)]
    assert ended == [False, False, False, True]


@pytest.mark.parametrize(
    ("action", "said"),
    (
        (np.zeros(3), "the expert returned .* has 2 finite numbers"),
        (np.array([0, np.nan]), "the expert returned .* has 2 finite numbers"),
        (np.array([0, 9.0]), r"the expert returned .* outside of the limits .* clip"),
        (None, "the expert"),
    ),
)
def test_wrong_actions_of_an_expert_are_named(action, said):
    world = _odd_world(plain_module.Point, expert=lambda task: lambda *_: action)
    env = world.make_env(ODD_TASK, 0)
    env.reset()
    act = world.expert(env.scene_config, np.random.default_rng(0))
    with pytest.raises(UserError, match=f"{PLACE}: {said}"):
        act(env, 0.0, np.random.default_rng(0))


def test_the_viewer_shows_its_vectors(run_dir):
    with viewing(run_dir / "datasets" / "wtl_demos") as viewed:
        told = viewed.get(f"/api/episodes/{viewed.first()}")
    assert told["views"] == []
    names = [f"robot/{name} {i}" for name in ("position", "velocity") for i in (0, 1)]
    assert list(told["curves"]["vectors"]) == names


def test_it_has_nothing_to_film(run_dir, capsys):
    given = f"--gin_file={run_dir.parent}/plain.gin", f"--run_dir={run_dir}"
    with pytest.raises(SystemExit, match="^1$"):
        cli.main(["play", *given, "--who=demonstrator"])
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "'plain_point', which has no drawing and no images" in error


def test_what_it_lacks_is_one_line(tmp_path, capsys):
    (tmp_path / "plain.gin").write_text(CONFIG + "camera.pixels = 32\n")
    command = ["collect_demos", f"--gin_file={tmp_path}/plain.gin"]
    with pytest.raises(SystemExit, match="^[^0]"):
        cli.main([*command, f"--run_dir={tmp_path}/run"])
    assert "camera.pixels" in capsys.readouterr().err.strip().splitlines()[-1]


def test_demonstrations_that_fail_too_often_stop_the_stage_until_that_is_allowed(
    tmp_path, capsys
):
    (tmp_path / "noisy.gin").write_text(CONFIG + "collect_demos.noise = 4.0\n")
    given = [f"--gin_file={tmp_path}/noisy.gin", f"--run_dir={tmp_path}/run"]
    with pytest.raises(SystemExit, match="^1$"):
        cli.main(["collect_demos", *given])
    said = capsys.readouterr().err
    assert re.search(
        r"demonstrations succeeded, and not that of task train-\d+, scene seed \d+; "
        "lower collect_demos.noise or",
        said,
    )
    # Those that succeeded are staged, and count as well when the rest fails again.
    given.append("--gin_bindings=collect_demos.min_success = 0.05")
    with pytest.raises(SystemExit, match="^0$"):
        cli.main(["collect_demos", *given])
    assert wtl.load_dataset(tmp_path / "run" / "datasets" / "wtl_demos", "train")


def test_few_environments_of_another_simulator_are_open_at_once():
    scenes = [
        plain_module.POINT.tasks("test", 0, count=1)[0].scene(i) for i in range(200)
    ]
    requests = [EpisodeRequest(scene, str(i), "eval") for i, scene in enumerate(scenes)]
    shards = episode_request.shards(None, requests, 500)
    assert [len(shard.requests) for shard in shards] == [64, 64, 64, 8]


def test_a_policy_that_is_trained_again_in_the_same_process_is_played(
    run_dir, tmp_path
):
    folder = shutil.copytree(run_dir, tmp_path / "run")
    given = [
        f"--gin_file={run_dir.parent}/plain.gin",
        f"--run_dir={folder}",
        "--gin_bindings=train_trial.methods = ('mil',)",
        "--gin_bindings=evaluate.conditions = ('mil',)",
    ]
    for steps in (2, 3):
        options = [*given, f"--gin_bindings=train_trial.steps = {steps}"]
        for stage in ("train_trial", "evaluate"):
            with pytest.raises(SystemExit, match="^0$"):
                cli.main([stage, *options])
        trained = wtl.load_policy(folder / "policies" / "mil").policy_id
        played = wtl.load_dataset(folder / "datasets" / "wtl_evaluations", "test")
        assert {e.metadata["policy_id"] for e in played.where(role="eval")} == {trained}


@pytest.mark.parametrize(
    "binding, said",
    (
        ("mil/ContextualConfig.encoder = 'entities'", "for entities, which world"),
        ("mil/ContextualConfig.state_noise = 0.02", "state_noise is of positions"),
    ),
)
def test_settings_without_effect_here_are_refused(run_dir, binding, said, capsys):
    given = f"--gin_file={run_dir.parent}/plain.gin", f"--run_dir={run_dir}"
    options = "train_trial.methods = ('mil',)", binding
    with pytest.raises(SystemExit, match="^1$"):
        cli.main(["train_trial", *given, *(f"--gin_bindings={o}" for o in options)])
    assert said in capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.slow
def test_chunks_by_flow_matching_are_trained_saved_and_played(run_dir, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run_dir, folder)
    given = [
        f"--gin_file={run_dir.parent}/plain.gin",
        f"--run_dir={folder}",
        "--gin_bindings=ContextualConfig.head = 'flow'",
        "--gin_bindings=ContextualConfig.chunk = 4",
        "--gin_bindings=ContextualConfig.executed = 2",
        "--gin_bindings=train_trial.methods = ('mil',)",
        "--gin_bindings=evaluate.conditions = ('mil',)",
    ]
    for stage in ("train_trial", "evaluate"):
        with pytest.raises(SystemExit, match="^0$"):
            cli.main([stage, *given])
    policy = wtl.load_policy(folder / "policies" / "mil")
    played = wtl.load_dataset(folder / "datasets" / "wtl_evaluations", "test")
    episode = played.where(policy_id=policy.policy_id)[0]
    demos = wtl.load_dataset(folder / "datasets" / "wtl_demos", "test")
    policy.reset(demos=demos.where(episode_id=episode.metadata["parent_demo_ids"][0]))
    names = ("robot/position", "robot/velocity")
    for step in range(6):
        # Every other action is of a chunk, and does not depend on the observation.
        seen = {name: episode.steps[name][step] * (step % 2 == 0) for name in names}
        wanted = episode.steps["action"][step]
        np.testing.assert_allclose(policy.act(seen), wanted, atol=1e-5)
