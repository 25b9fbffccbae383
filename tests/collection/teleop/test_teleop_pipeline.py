"""Teleoperated episodes of a run as the pipeline takes them; no browser needed."""

import pathlib
import subprocess
import sys

import pytest
from driven import Driven
from served import ROOT

from wtl.collection import opengl
from wtl.commands import cli
from wtl.datasets.contract import fields
from wtl.datasets.reading import reader
from wtl.datasets.storage import verify
from wtl.pipeline import stages, teleop_plan

GIN = str(ROOT / "tests" / "teleop.gin")


def wtl(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main([*arguments[:1], f"--gin_file={GIN}", *arguments[1:]])
    return ended.value.code


def plan(folder: pathlib.Path, families=("press", "grasp")) -> list:
    stages.configure(GIN, [])
    with stages.open_run(folder) as run:
        tasks = teleop_plan.chosen_tasks(run, "train", families, 2)
        return teleop_plan.demonstrations(run, tasks, 2)


def keep(run_dir: pathlib.Path, items, count: int):
    """Demonstrates so many of the items that are left."""
    with Driven(run_dir / "teleop", items) as driven:
        driven.do("name", "ann")
        for _ in range(count):
            driven.solve()
            driven.do("keep")


def demonstrators(run_dir: pathlib.Path) -> dict[str, str]:
    store = reader.read(run_dir / "datasets/wtl_demos")
    return dict(zip(store[fields.EPISODE_ID], store[fields.DEMONSTRATOR], strict=True))


@pytest.mark.slow
def test_what_is_kept_takes_the_place_of_scripted_demonstrations(tmp_path, capsys):
    run_dir = tmp_path / "run"
    items = plan(tmp_path / "plan")
    keep(run_dir, items, 2)
    run = f"--run_dir={run_dir}"
    assert wtl("collect_demos", run) == 0
    assert "2 of " in capsys.readouterr().out
    first = demonstrators(run_dir)
    assert {n for n, who in first.items() if who == "teleop:ann"} == {
        item.episode_id for item in items[:2]
    }
    assert verify.verify(run_dir / "datasets/wtl_demos") == []
    # Without them, the same episodes are scripted, and the dataset is as ever.
    other = f"--run_dir={tmp_path / 'scripted'}"
    assert wtl("collect_demos", other, "--gin_bindings=collect_demos.teleop=False") == 0
    scripted = demonstrators(tmp_path / "scripted")
    assert scripted.keys() == first.keys() and set(scripted.values()) == {"scripted"}
    # Nothing new, nothing done; more by hand, a new version.
    assert wtl("collect_demos", run) == 0
    versions = run_dir / "datasets/wtl_demos"
    assert [path.name for path in versions.iterdir()] == ["1.0.0"]
    keep(run_dir, items, 1)
    assert wtl("collect_demos", run) == 0
    assert sorted(path.name for path in versions.iterdir()) == ["1.0.0", "2.0.0"]
    assert list(demonstrators(run_dir).values()).count("teleop:ann") == 3


def test_other_scenes_are_not_taken(tmp_path, capsys):
    run_dir = tmp_path / "run"
    keep(run_dir, plan(tmp_path / "plan"), 1)
    code = wtl("collect_demos", f"--run_dir={run_dir}", "--gin_bindings=suite.size=2")
    assert code == 1
    error = capsys.readouterr().err.strip()
    assert "suite.size" in error and len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("stage", "binding", "said"),
    [
        ("collect_demos", "run.seed=0", "run `wtl teleop`"),
        ("teleop", "teleop.record='films'", "demonstrations, trials"),
        ("teleop", "teleop.families=('juggle',)", "'juggle'"),
        ("teleop", "teleop.families=()", "nothing to record"),
        ("teleop", "teleop.speed=3", "choose from 1.0, 0.5, 0.25"),
        ("teleop", "teleop.split='exam'", "'exam'"),
        ("teleop", "teleop.assist='wtl'", "'wtl'; choose from mil, maml"),
        ("teleop", "teleop.assist='sac'", "'sac'; choose from mil, maml"),
        ("teleop", "teleop.assist='mil'", "run `wtl collect_demos`"),
        ("teleop", "teleop.record='trials'", "run `wtl collect_demos`"),
        ("teleop", "teleop.no_such_name=1", "no_such_name"),
    ],
)
def test_what_can_not_be_is_one_line(tmp_path, capsys, stage, binding, said):
    code = wtl(stage, f"--run_dir={tmp_path}", f"--gin_bindings={binding}")
    assert code == 1
    error = capsys.readouterr().err.strip()
    assert said in error and len(error.splitlines()) == 1


# Images are rendered where there is no TensorFlow, as in the simulation's process.
_SEES = """
import dataclasses, sys
sys.path[:0] = [{tests!r}, {here!r}, {root!r}]
from wtl.collection.worlds.entities.episode_spec import episode_spec
from wtl.collection.teleop.plan import Plan
from wtl.datasets.contract.camera import CameraConfig
from wtl.datasets.storage.staging import iterate_staged
from driven import Driven, plan_items
spec = episode_spec(3, CameraConfig(32))
spec = dataclasses.replace(spec, interventions=True)
items = plan_items(("press",), 1)
with Driven(sys.argv[1], items, spec=spec) as driven:
    driven.session = driven.new_session(Plan(items, ()), camera=CameraConfig(32))
    driven.solve()
    driven.do("keep")
(episode,) = iterate_staged(sys.argv[1])
print(episode.steps["image"].shape, episode.steps["image"].std() > 10)
"""


def test_vision_runs_get_the_images_of_what_is_stored(tmp_path):
    try:
        opengl.find_renderer()
    except opengl.RendererNotFoundError as error:
        pytest.skip(str(error))
    script = _SEES.format(
        tests=str(ROOT / "tests"),
        here=str(pathlib.Path(__file__).parent),
        root=str(ROOT),
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "staged"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "(41, 32, 32, 3) True" in done.stdout, done.stderr
