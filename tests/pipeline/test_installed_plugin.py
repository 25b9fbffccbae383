"""A package with a world and a method that is installed, through all that WTL does.

Its environment observes images, a set and nested vectors.
"""

import io
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import urllib.request

import av
import gin
import installing
import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

import wtl
from tests.viewer.viewed import viewing
from wtl.collection.worlds import registry
from wtl.commands import cli
from wtl.datasets.format import schema
from wtl.datasets.storage import checksums, location
from wtl.policies import methods

pytestmark = pytest.mark.slow  # three image policies; test_plugin is the fast one

CONFIG = f"""
include '{installing.ROOT}/tests/tiny.gin'

suite.domain = 'camera_table'
suite.train_tasks = 8
collect_demos.noise = 0.05
train_trial.methods = ('mil', 'goal')
train_trial.steps = 40
goal/GoalConfig.hidden = (16, 16)
collect_trials.sources = ('mil', 'goal')
evaluate.conditions = ('mil', 'wtl', 'goal')
perception/TrainConfig.steps = 6
perception/TrainConfig.batch_size = 4
"""
CAMERAS = {"cameras/top": (24, 48), "cameras/side": (24, 32)}  # height, width


@pytest.fixture(scope="module", autouse=True)
def plugin(tmp_path_factory):
    """The package, installed in a folder where this process and its workers look."""
    folder = tmp_path_factory.mktemp("site")
    source = installing.copy_of_plugin(folder / "source")
    installing.pip("install", "--target", folder, source)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        _forget_worlds()
        # Configurations of earlier tests have locked what can be configured.
        with gin.unlock_config():
            methods.register_installed()
        yield
        for known in (methods.METHODS, methods.CONDITIONS, methods.ORIGINS):
            del known["goal"]
    _forget_worlds()


def _forget_worlds():
    registry._installed.cache_clear()
    registry._loaded.cache_clear()


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cameras")
    (folder / "table.gin").write_text(CONFIG)
    return wtl.run(folder / "table.gin", folder / "run")


def test_all_stages_run_on_images_sets_and_nested_vectors(run_dir):
    results = json.loads((run_dir / "evaluation" / "results.json").read_text())
    assert results["protocol"]["world"] == "camera_table"
    assert {"mil", "wtl", "goal"} <= set(results["methods"])
    of_wtl = results["methods"]["wtl"]
    assert of_wtl["overall"]["n"] == 10
    assert set(of_wtl["families"]) == {"red", "blue"}
    assert "given_trial_failed" in of_wtl
    # Worlds without rules have none of these.
    assert not {"rules", "conflict", "ceiling"} & set(of_wtl)
    report = (run_dir / "evaluation" / "report.html").read_text()
    assert "data:image/webp" in report and "go to the red block" in report
    assert "Goal BC" in report
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
    for name in (*CAMERAS, "blocks", "arm/position"):
        found = [s["observation"] for s in steps]
        for part in name.split("/"):
            found = [f[part] for f in found]
        np.testing.assert_array_equal(np.stack(found), expected.steps[name])


def test_statistics_are_stored_with_the_limits_of_actions(run_dir):
    path = location.resolve(run_dir / "datasets" / "wtl_demos")
    demos = wtl.load_dataset(path, "train")
    found = json.loads((path / "statistics.json").read_text())
    actions = np.concatenate([demo.steps["action"][:-1] for demo in demos])
    np.testing.assert_allclose(found["action"]["mean"], actions.mean(0), atol=1e-4)
    np.testing.assert_allclose(found["action"]["std"], actions.std(0), rtol=1e-4)
    blocks = np.concatenate([demo.steps["blocks"] for demo in demos])
    np.testing.assert_allclose(found["blocks"]["max"], blocks.max(0))
    spec = schema.stored_spec(path)
    assert spec.action_low == (-30, -30) and spec.action_high == (30, 30)
    assert spec == registry.get("camera_table").episodes


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


def test_the_method_trains_its_own_network(run_dir):
    lineage = json.loads((run_dir / "lineage.json").read_text())
    network = lineage["train_trial"]["parameters"]["networks"]["goal"]
    assert network["hidden"] == [16, 16]


def test_doctor_lists_both_with_their_package(capsys):
    with pytest.raises(SystemExit, match="^0$"):
        cli.main(["doctor"])
    told = capsys.readouterr().out
    assert re.search(r"world camera_table +wtl-table 1.2.0, wtl_table.world", told)
    assert re.search(r"method goal +wtl-table 1.2.0, wtl_table.method", told)


def test_the_viewer_shows_each_camera(run_dir):
    with viewing(run_dir / "datasets" / "wtl_demos") as viewed:
        _look(viewed.get, viewed.first())


def _look(get, episode: str):
    """Check what a viewer tells and shows of an episode."""
    told = get(f"/api/episodes/{episode}")
    assert set(told["views"]) == set(CAMERAS)
    assert told["curves"]["limits"] == {"action 0": [-30, 30], "action 1": [-30, 30]}
    for name, (height, width) in CAMERAS.items():
        path = f"/api/episodes/{episode}/frames/{name.replace('/', '%2F')}"
        sheet = Image.open(io.BytesIO(get(f"{path}?first=0&count=4")))
        assert sheet.size[1] % height == 0 and sheet.size[0] % width == 0


@pytest.mark.parametrize("who", ("demonstrator", "goal"))
def test_a_film_shows_its_cameras(run_dir, who):
    given = f"--gin_file={run_dir.parent}/table.gin", f"--run_dir={run_dir}"
    with pytest.raises(SystemExit, match="^0$"):
        cli.main(["play", *given, f"--who={who}"])
    with av.open(str(run_dir / "play" / f"{who}.mp4")) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    episodes = 1 if who == "demonstrator" else 2  # with the demonstration
    # Both cameras side by side, ten times as large, below a caption.
    assert frames[0].shape == (240 + 28, episodes * (480 + 320), 3)


def test_no_drawing_is_one_line(run_dir, capsys):
    given = f"--gin_file={run_dir.parent}/table.gin", f"--run_dir={run_dir}"
    with pytest.raises(SystemExit, match="^1$"):
        cli.main(["play", *given, "--out=film.svg"])
    assert "use .mp4 for its images" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.slow
def test_everything_works_from_a_fresh_environment(tmp_path):
    """WTL and the package are installed; the commands are run from elsewhere."""
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True
    )
    python = tmp_path / "venv/bin/python"
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    # Its other packages are those of this interpreter.
    (site / "others.pth").write_text(sysconfig.get_path("purelib"))
    sources = (
        installing.copy_of_wtl(tmp_path / "wtl"),
        installing.copy_of_plugin(tmp_path / "plugin"),
    )
    installing.pip("install", *sources, python=str(python))
    work = tmp_path / "work"
    (work / "grid").mkdir(parents=True)
    (work / "grid/base.gin").write_text(CONFIG + "ablation.conditions = ('goal',)\n")
    (work / "grid/small.gin").write_text(
        "include 'base.gin'\nablation.label = 'small'\ngoal/GoalConfig.hidden = (8,)\n"
    )
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}

    def command(*arguments: str) -> list[str]:
        return [os.fspath(tmp_path / "venv/bin/wtl"), *arguments]

    def wtl_(*arguments: str) -> str:
        done = subprocess.run(
            command(*arguments), cwd=work, env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    told = wtl_("doctor")
    assert "wtl_table.world:TABLE" in told and "wtl_table.method:GOAL" in told
    base = ("--gin_file=grid/base.gin", "--run_dir=runs/base")
    wtl_("run", *base)
    wtl_("evaluate", *base)
    run_dir = work / "runs/base"
    assert "Goal BC" in (run_dir / "evaluation/report.html").read_text()
    datasets = sorted(path.name for path in (run_dir / "datasets").iterdir())
    assert datasets == ["wtl_demos", "wtl_evaluations", "wtl_trials"]
    for name in datasets:
        assert "is intact" in wtl_("verify", f"runs/base/datasets/{name}")
    for who in ("demonstrator", "goal"):
        assert f"{who}.mp4" in wtl_("play", *base, f"--who={who}")
    assert "small" in wtl_("ablate", "--gin_dir=grid", "--run_dir=runs")
    wtl_("run", "--gin_file=grid/base.gin", "--run_dir=runs/beam", "--runner=beam")
    demos = [work / "runs" / name / "datasets/wtl_demos" for name in ("base", "beam")]
    one, other = (checksums.fingerprint(location.resolve(path)) for path in demos)
    assert one == other
    viewer = subprocess.Popen(
        command("view", "runs/base", "--port=0"),
        cwd=work,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        address = re.search(r"http://\S+$", viewer.stdout.readline().strip())[0]
        url = address.partition("/?token=")[0]
        # The address gives a cookie in place of its token.
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        browser.open(address).close()

        def get(path: str):
            with browser.open(url + path) as answer:
                body = answer.read()
                is_json = answer.headers.get_content_type() == "application/json"
            return json.loads(body) if is_json else body

        assert b"<html" in get("/")
        assert set(get("/api/library")["datasets"]) == set(datasets)
        _look(get, get("/api/episodes?dataset=wtl_demos")["rows"][0]["id"])
    finally:
        viewer.send_signal(signal.SIGINT)
        assert viewer.wait(30) == 0
