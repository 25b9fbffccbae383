"""`wtl teach` end to end: a visitor at a real Chromium; the policies learned little."""

import json
import os
import shutil
import signal
import urllib.error
import urllib.request

import numpy as np
import prefix_proxy
import pytest
from browsing import until
from key_operator import press
from taught import serving

from wtl.collection import opengl
from wtl.collection.teleop.attempt import Attempt
from wtl.collection.worlds.tabletop import environment
from wtl.commands import cli
from wtl.datasets.contract import fields
from wtl.datasets.reading import reader
from wtl.pipeline import stages

pytestmark = pytest.mark.slow  # a browser and a server with TensorFlow

SECONDS = 180  # a busy machine is slow, not wrong


@pytest.fixture(scope="module")
def served(finished_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("teach") / "run"
    shutil.copytree(finished_run, folder)
    with serving(folder) as running:
        running.folder = folder
        yield running


class Visitor:
    """Sits before the page."""

    def __init__(self, page, url: str):
        self.page, self.errors = page, []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(url)
        self.until("window.teach?.isReady")

    def until(self, condition: str):
        until(self.page, condition, SECONDS)

    @property
    def lesson(self) -> dict:
        return self.page.evaluate("teach.lesson")

    def does(self, name: str, then: str):
        """Clicks a button, and waits."""
        self.page.click(f"[data-does={name}]")
        self.until(f"teach.isReady && ({then})")

    def key(self, name: str, then: str):
        self.page.keyboard.press(name)
        self.until(f"teach.isReady && ({then})")

    def sees(self, selector: str, words: str):
        self.until(
            f"document.querySelector('{selector}').innerText.includes('{words}')"
        )

    def fits(self):
        """Nothing is wider than the window, and the actions are in it."""
        width, actions = self.page.evaluate(
            "[document.documentElement.scrollWidth - innerWidth,"
            " document.getElementById('actions').getBoundingClientRect().bottom"
            " - innerHeight]"
        )
        assert width <= 0 and actions <= 0


def test_a_visitor_teaches_with_a_recorded_demonstration(served, chromium):
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    visitor = Visitor(page, served.url)
    assert "token" not in page.url
    visitor.until("teach.seen.size === 1")  # the film has been played
    painted = "(c => c.getContext('2d').getImageData(9, 9, 1, 1).data[3])"
    shown = f"{painted}(document.getElementById('canvas'))"
    visitor.until(f"{shown} > 0 || document.querySelector('#drawing svg')")
    visitor.sees("#believer", "given the demonstration alone")
    visitor.does("try", "teach.lesson.tries.length === 1")
    assert page.evaluate("teach.step") == "judge"
    visitor.sees("#verdict", "environment: ")
    achieved = visitor.lesson["tries"][0]["achieved"]
    # The opposite of what the environment says.
    visitor.does("wrong" if achieved else "right", "teach.step === 'retry'")
    assert visitor.lesson["tries"][0]["judged"] is not achieved
    visitor.sees("#verdict", "you: ")
    visitor.sees("#believer", "one try")
    assert page.locator("#weights .was").first.inner_text().endswith("%")
    visitor.key("t", "teach.lesson.tries.length === 2")
    visitor.key("n", "teach.step === 'retry'")
    visitor.key("s", "teach.lesson.tries.length === 3")
    first, _, third = visitor.lesson["tries"]
    assert third["scene"] != first["scene"]
    visitor.key("Enter", "teach.step === 'retry'")  # as the environment says
    visitor.key("k", "teach.lesson.kept")
    assert page.is_disabled("[data-does=keep]")
    visitor.fits()
    assert visitor.errors == []
    page.close()


def test_a_visitor_demonstrates_by_hand_on_a_phone(served, chromium):
    try:
        opengl.find_renderer()
    except opengl.RendererNotFoundError as error:
        pytest.skip(str(error))
    page = chromium.new_page(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    with prefix_proxy.below("/proxy/8768", served.port) as proxied:
        visitor = Visitor(page, f"{proxied}?{served.url.partition('?')[2]}")
        visitor.fits()
        page.tap("[data-family=press]")
        visitor.until("teach.isReady && teach.lesson.family === 'press'")
        recorded = visitor.lesson["demo"]["id"]
        page.tap("[data-does=hand]")
        visitor.until("teach.byHand && teach.console.status.phase === 'ready'")
        visitor.fits()
        page.tap("#pad [data-axis='2'][data-sign='1']")
        visitor.until("teach.console.status.step > 0")
        page.tap("[data-does=done]")  # nothing is done yet
        visitor.sees("#message", "success test does not hold")
        page.tap("[data-does=override]")
        visitor.until("teach.console.status.override === true")
        page.tap("[data-does=redo]")
        visitor.until("teach.console.status.phase === 'ready'")
        page.tap("[data-does=cancel]")
        visitor.until("teach.isReady && !teach.byHand")
        assert visitor.lesson["demo"]["id"] == recorded
        page.tap("[data-does=hand]")
        visitor.until("teach.byHand && teach.console.status.phase === 'ready'")
        _press(visitor, served)
        visitor.until("document.body.classList.contains('succeeds')")
        page.tap("[data-does=done]")
        visitor.until("teach.isReady && teach.lesson.source === 'hand'")
        demo = visitor.lesson["demo"]["id"]
        assert demo != recorded
        visitor.until(f"teach.seen.has('{demo}')")
        page.tap("[data-does=try]")
        visitor.until("teach.isReady && teach.lesson.tries.length === 1")
        page.tap("[data-does=wrong]")
        visitor.until("teach.isReady && teach.step === 'retry'")
        page.tap("[data-does=keep]")
        visitor.until("teach.isReady && teach.lesson.kept")
        assert visitor.errors == []
        page.close()


def _press(visitor: Visitor, served):
    """Press the target with the keys, as a person would who sees the true state."""
    page, recorded = visitor.page, visitor.lesson["demo"]["id"]
    demos = reader.EpisodesById(served.folder / "datasets/wtl_demos")
    known = demos[recorded].metadata
    stages.configure(str(served.folder / "config.gin"), [])
    tasks = {task.task_id: task for task in stages.suite().tasks(fields.SPLIT_TEST)}
    scene = tasks[known[fields.TASK_ID]].scene(known[fields.SCENE_SEED])
    env = environment.Manipulation(scene)
    mind = Attempt(env, scene)
    while not env.achieved(scene.target):
        assert not mind.is_over, "the visitor has failed"
        before = len(mind)
        pressed = press(scene.task.family, env.world, scene.target, True)
        for name in pressed.keys:
            page.keyboard.down(name)
        for name in reversed(pressed.keys):
            page.keyboard.up(name)
        latch = pressed.command.latch
        visitor.until(f"teach.console.status.step >= {before + (3 if latch else 1)}")
        page.wait_for_timeout(80)  # a key held too long was two steps
        held = env.world.finger_command if latch is None else latch
        for _ in range(page.evaluate("teach.console.status.step") - before):
            mind.step(np.array([*pressed.command.axes, held]))


def _post(served, path: str, body) -> tuple[int, dict]:
    request = urllib.request.Request(
        f"{served.origin}/api/{path}",
        data=body if isinstance(body, bytes) else json.dumps(body).encode(),
        method="POST",
        headers={
            "Cookie": served.cookie,
            "Origin": served.origin,
            "Content-Type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("lesson", {"family": 7}),
        ("lesson", {"family": "juggle"}),
        ("lesson", b"\xff"),
        ("lesson", [[]]),
        ("try", {"new_scene": "yes"}),
        ("judge", {"success": 1}),
        ("demo", {"source": "../../etc"}),
        ("hand", {"on": None}),
    ],
)
def test_requests_that_make_no_sense_change_nothing(served, path, body):
    status, said = _post(served, path, body)
    assert status == 400 and len(said["error"].splitlines()) == 1


def test_episodes_are_those_of_the_lesson_alone(served):
    for path in ("episodes/other", "episodes/..%2f..%2fetc%2fpasswd"):
        request = urllib.request.Request(
            f"{served.origin}/api/{path}", headers={"Cookie": served.cookie}
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
        assert refused.value.code == 404


def test_what_was_kept_is_published_at_the_end(served):
    """Runs last: it ends the server."""
    os.kill(served.process.pid, signal.SIGINT)
    said = served.process.communicate(timeout=60)[0]
    assert served.process.returncode == 0
    kept = served.folder / "teach"
    assert f"6 episodes are kept; look at them: wtl view {kept}" in said
    demos, trials, retrials = (
        reader.read(kept / "datasets" / name)
        for name in (fields.WTL_DEMOS, fields.WTL_TRIALS, fields.WTL_RETRIALS)
    )
    assert len(demos) == 2 and len(trials) == 2 and len(retrials) == 2
    for store in (trials, retrials):
        for parents in store[fields.PARENT_DEMO_IDS]:
            assert parents[0] in demos.index_by_id
        assert not np.isin("", store[fields.POLICY_ID])
    for parents in retrials[fields.PARENT_TRIAL_IDS]:
        assert parents[0] in trials.index_by_id
    by_hand = [name for name in demos[fields.DEMONSTRATOR] if "teleop" in name]
    assert by_hand == ["teleop:anonymous"]


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("policies/wtl", "run `wtl train_retrial`"),
        ("policies/mil", "run `wtl train_trial`"),
        ("datasets/wtl_demos", "run `wtl collect_demos`"),
        ("config.gin", "no folder of a run"),
    ],
)
def test_what_is_missing_is_one_line(finished_run, tmp_path, capsys, missing, said):
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    path = run / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(SystemExit) as ended:
        cli.main(["teach", str(run), "--port=0"])
    assert ended.value.code == 1
    error = capsys.readouterr().err.strip()
    assert said in error and len(error.splitlines()) == 1
