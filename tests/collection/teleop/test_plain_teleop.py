"""Teleoperation of worlds of users: declared controls, pictures, episodes."""

import contextlib
import functools
import io

import numpy as np
import pytest
from driven import Driven
from PIL import Image
from served import ROOT

from tests import driven_table, plain_module
from wtl import worlds
from wtl.collection.teleop import attempt, simulation
from wtl.collection.teleop.interface import IDLE, Command
from wtl.collection.teleop.session import Phase
from wtl.collection.worlds.plain.environment import PlainEnvironment
from wtl.collection.worlds.plain.teleop import PlainTeleop
from wtl.commands import cli
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.observation import Observation
from wtl.datasets.reading import reader
from wtl.pipeline import stages, teleop_plan

CONFIG = f"""
import tests.driven_table

include '{ROOT}/tests/tiny.gin'

suite.domain = 'driven_table'
suite.train_tasks = 4
collect_demos.teleop = True
collect_trials.teleop = True
collect_trials.sources = ()
"""
SPEC = EpisodeSpec(
    (Observation("pose", (2, 2)),),
    action_size=3,
    action_low=(-1.0, 0.0, -30.0),
    action_high=(1.0, 4.0, 30.0),
)
AXES = (worlds.Axis(1, ("up", "down"), ("w", "s"), (0.1, 0.5, 1.0)),)
LATCH = worlds.Latch(2, "grip")
EAST = Command(axes=(1.0, 0.0))


def test_rates_are_shares_of_the_way_from_rest_to_the_limits():
    teleop = PlainTeleop(worlds.Controls(AXES, LATCH, rest=(0.5, 1.0, 0.0)), SPEC)
    rates = teleop.rates(None, Command(axes=(0.5,)))
    np.testing.assert_allclose(teleop.action(None, rates, 1.0), [0.5, 2.5, 30])
    np.testing.assert_allclose(teleop.action(None, -rates, -1.0), [0.5, 0.5, -30])
    np.testing.assert_allclose(
        teleop.hold(teleop.action(None, rates, 1.0)), [0.5, 1, 30]
    )
    assert teleop.latch(teleop.action(None, rates, -1.0)) == -1
    # By default, rest is the middle of the limits.
    middle = PlainTeleop(worlds.Controls(AXES), SPEC)
    np.testing.assert_allclose(middle.action(None, 0 * rates, 0.0), [0, 2, 0])
    assert middle.controls["latch"] is None
    (axis,) = teleop.controls["axes"]
    assert axis["pace"] == {"slow": 0.1, "normal": 0.5, "fast": 1.0}


@pytest.mark.parametrize(
    ("controls", "said"),
    [
        (worlds.Controls((*AXES, worlds.Axis(1, ("a", "b"), ("a", "b")))), "different"),
        (worlds.Controls((worlds.Axis(5, ("a", "b"), ("a", "b")),)), "of 2"),
        (worlds.Controls((worlds.Axis(0, ("a", "b"), ("R", "b")),)), "'r'"),
        (worlds.Controls((worlds.Axis(0, ("a", "b"), ("b", "b")),)), "'b'"),
        (worlds.Controls((worlds.Axis(0, ("a", "b"), ("a", "b"), (0, 1, 2)),)), "shar"),
        (worlds.Controls((), rest=(0.0,)), "no action"),
        (worlds.Controls((), rest=(9.0, 0.0)), "no action within"),
        (worlds.Controls((), cameras=("top",)), "not up to two of"),
    ],
)
def test_controls_that_do_not_fit_are_refused_as_the_world_is_made(controls, said):
    with pytest.raises(UserError, match=f"(?s)world 'other', teleop: .*{said}"):
        worlds.dm_env(**plain_module.POINT.plain | {"name": "other"}, teleop=controls)


def picture(spec: EpisodeSpec, state: dict, cameras=()) -> np.ndarray:
    pictures = PlainTeleop(worlds.Controls((), cameras=cameras), spec).pictures(3)
    return np.array(Image.open(io.BytesIO(pictures.make(None, state, None))))


def test_cameras_are_letterboxed_side_by_side_and_else_numbers_are_shown():
    top = np.full((24, 48, 3), (250, 0, 0), np.uint8)
    gray = np.full((8, 8, 1), 250, np.uint8)
    cameras = tuple(
        Observation(name, (*image.shape[:2], 3), "uint8")
        for name, image in (("top", top), ("side", gray))
    )
    seen = picture(EpisodeSpec(cameras, 1), {"top": top, "side": gray}, ("top", "side"))
    assert seen.shape == (480, 960, 3)
    red = seen[:, 240, 0] > 200
    assert red.sum() == pytest.approx(240, abs=8) and not red[:110].any()
    assert (seen[:, 490:] > 200).all()
    # The numbers of all observations fill a view that no camera does.
    numbers = {"pose": np.array([[1, 2], [3, 4.5]])}
    assert (picture(SPEC, numbers)[:, :480] > 200).any()
    one = EpisodeSpec((cameras[1], SPEC.observations[0]), 1)
    assert (picture(one, {"side": gray} | numbers)[:, 480:] < 100).any()


def wtl(run_dir, verb: str, *options: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main([verb, *options, f"--run_dir={run_dir}"])
    return ended.value.code


@pytest.fixture(scope="module")
def gin(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("gin") / "table.gin"
    path.write_text(CONFIG)
    return str(path)


@contextlib.contextmanager
def opened(gin: str, run_dir):
    stages.configure(gin, [])
    with stages.open_run(run_dir) as run:
        yield run


def begun(run, items, **options) -> Driven:
    """A session of the run, with items of its plan."""
    spec = run.datasets.spec(fields.WTL_DEMOS, by_hand=True)
    driven = Driven(run.folder.teleop, items, spec=spec, world=run.suite.domain)
    driven.session = driven.new_session(driven.session._plan, **options)
    driven.do("name", "ann")
    return driven


def solve(driven: Driven):
    """Press keys towards the block until the environment ends the episode."""
    while driven.session.phase in (Phase.READY, Phase.ACTING):
        table = driven.session.env.native
        way = np.clip((table.goal - table.gripper) / 0.3, -1, 1)
        assert driven.hold(Command(axes=tuple(way)), 1) == 1


def test_episodes_by_hand_go_through_the_stages(gin, tmp_path, capsys):
    run_dir = tmp_path / "run"
    with opened(gin, run_dir) as run:
        tasks = teleop_plan.chosen_tasks(run, "train", ("red", "blue"), 2)
        items = teleop_plan.demonstrations(run, tasks, 2)
        with begun(run, items) as driven:
            session = driven.session
            assert session.status()["task"] == "go to the red block"
            driven.refuse("keep", "nothing to keep")
            driven.hold(EAST, 2)
            driven.refuse("keep", "success test")
            driven.do("redo")
            solve(driven)
            assert session.phase is Phase.OVER and session.status()["success"]
            assert len(session._attempt) < session.env.horizon
            assert driven.hold(EAST, 3) == 0
            driven.do("keep")
            driven.do("undo")
            driven.hold(Command(wait=True), 1)  # a step at rest counts too
            solve(driven)
            driven.do("keep")
            driven.do("discard")
            solve(driven)
            driven.do("keep")
            kept = driven.staged()
    assert [e.id for e in kept] == [items[0].episode_id, items[2].episode_id]
    first = kept[0]
    assert first.metadata["instruction"] == "go to the red block"
    assert first.metadata[fields.DEMONSTRATOR] == "teleop:ann"
    assert first.metadata[fields.SUCCESS] and first.steps["is_terminal"][-1]
    np.testing.assert_array_equal(first.steps[fields.ACTION][0], [0, 0])
    assert 5 < np.abs(first.steps[fields.ACTION]).max() <= 30
    # Played again, the actions give the same observations to the bit.
    again = attempt.replay(
        driven_table.WORLD.open(items[0].scene),
        items[0].scene,
        first.steps[fields.ACTION][:-1],
        episode_id=first.id,
        role="demo",
    )
    for name in ("cameras/top", "cameras/side", "blocks", "arm/position"):
        np.testing.assert_array_equal(again.steps[name], first.steps[name])

    # The scripted expert gives the other demonstrations.
    config = f"--gin_file={gin}"
    assert wtl(run_dir, "collect_demos", config) == 0
    assert "2 of " in capsys.readouterr().out
    store = reader.read(run_dir / "datasets/wtl_demos")
    assert store[fields.DEMONSTRATOR].tolist().count("teleop:ann") == 2

    # Trials are preceded by the camera frames of a demonstration.
    with opened(gin, run_dir) as run:
        path = run.datasets.require(fields.WTL_DEMOS)
        demos = reader.read(path, "train")
        items = teleop_plan.trials(run, tasks[:1], 1, demos)
        show = functools.partial(
            simulation._demonstration, str(path), driven_table.WORLD
        )
        with begun(run, items, demonstration=show) as driven:
            session = driven.session
            assert session.phase is Phase.SHOWING
            (shown,) = reader.iterate_episodes(path, episode_ids=items[0].demo_ids)
            session.state(driven.now)
            frame = session.state(driven.now + 0.25)
            np.testing.assert_array_equal(
                frame["cameras/top"], shown.steps["cameras/top"][2]
            )
            pictures = driven_table.WORLD.teleop.pictures(3)
            assert session.picture(pictures, lambda: driven.now)[4:6] == b"\xff\xd8"
            session.state(driven.now + 60)
            assert session.status()["task"] == "Repeat the demonstration."
            driven.hold(IDLE, 1)
            driven.hold(EAST, 2)
            driven.do("keep")
            assert session.message == "Kept. It was a failure."
            solve(driven)
            driven.do("keep")
            assert session.message == "Kept. It was a success."
    assert wtl(run_dir, "collect_trials", config) == 0
    store = reader.read(run_dir / "datasets/wtl_trials")
    assert sorted(store["role"].tolist()) == ["retrial", "trial"]
    for name in ("wtl_demos", "wtl_trials"):
        with pytest.raises(SystemExit, match="^0$"):
            cli.main(["verify", str(run_dir / "datasets" / name)])


def test_a_world_without_an_expert_takes_what_is_recorded_by_hand(gin, tmp_path):
    made = driven_table.WORLD.plain | {"name": "hand_table", "expert": None}
    worlds.register(worlds.dm_env(**made, teleop=driven_table.CONTROLS))
    stages.configure(gin, ["suite.domain='hand_table'"])
    with stages.open_run(tmp_path / "run") as run:
        tasks = teleop_plan.chosen_tasks(run, "train", ("red",), 1)
        items = teleop_plan.demonstrations(run, tasks, 1)
        with begun(run, items) as driven:
            solve(driven)
            driven.do("keep")
        stages.collect_demos(run, teleop=True)
        path = run.datasets.require(fields.WTL_DEMOS)
        assert reader.read(path)[fields.DEMONSTRATOR].tolist() == ["teleop:ann"]
        assert len(reader.read(path, "test")) == 0


def test_a_gymnasium_environment_is_driven_too():
    controls = worlds.Controls((worlds.Axis(0, ("right", "left"), ("d", "a")),))
    with pytest.raises(UserError, match="'d'"):
        worlds.gym("hill", "MountainCarContinuous-v0", teleop=controls)
    world = worlds.gym(
        "hill",
        "MountainCarContinuous-v0",
        teleop=worlds.Controls((worlds.Axis(0, ("right", "left"), ("e", "a")),)),
    )
    (task,) = world.tasks("train", 0, count=1)
    made = attempt.Attempt(world.open(task.scene(3)), task.scene(3))
    start = made.observation["observation"][0]
    for _ in range(5):
        made.step(world.teleop.action(made, np.array([1.0]), 0.0))
    assert made.observation["observation"][0] > start
    assert world.teleop.controls["captions"] == ["numbers", ""]


def test_an_attempt_that_the_horizon_ends_is_held_at_rest_up_to_it(gin, tmp_path):
    with opened(gin, tmp_path / "run") as run:
        tasks = teleop_plan.chosen_tasks(run, "train", ("red",), 1)
        items = teleop_plan.demonstrations(run, tasks, 1)
        with begun(run, items) as driven:
            driven.hold(Command(axes=(0.0, 0.1)), 1)
            driven.do("override", True)
            driven.do("keep")
            (episode,) = driven.staged()
    assert isinstance(driven.session.env, PlainEnvironment)
    assert len(episode) == 13 and episode.metadata[fields.SUCCESS]
    np.testing.assert_allclose(episode.steps[fields.ACTION][:2], [[0, 3], [0, 0]])


def test_a_world_that_does_not_say_how_commands_map_says_so(gin, tmp_path, capsys):
    bindings = "--gin_bindings=suite.domain='plain_point'"
    assert wtl(tmp_path / "run", "teleop", f"--gin_file={gin}", bindings) == 1
    error = capsys.readouterr().err.strip()
    assert "needs a world with `teleop`" in error and len(error.splitlines()) == 1
