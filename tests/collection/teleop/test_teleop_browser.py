"""Teleoperation end to end: a scripted operator at the keys of a real Chromium."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import prefix_proxy
import pytest
from browsing import CHROMIUM, until
from driven import Driven
from key_operator import press
from served import ROOT, Served, start

from wtl.collection import opengl
from wtl.collection.teleop.attempt import Attempt
from wtl.collection.worlds.tabletop import environment, instruction
from wtl.datasets.contract import fields
from wtl.datasets.reading import reader
from wtl.datasets.storage import verify
from wtl.datasets.storage.staging import iterate_staged
from wtl.pipeline import stages, teleop_plan

GIN = str(ROOT / "tests" / "teleop.gin")


@pytest.fixture(scope="module", autouse=True)
def machine():
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    try:
        opengl.find_renderer()
    except opengl.RendererNotFoundError as error:
        pytest.skip(str(error))


@contextlib.contextmanager
def teleop(run_dir, port: int = 0, bindings=(), gin: str = GIN):
    """`wtl teleop` as a user starts it."""
    command = [sys.executable, "-u", "-m", "wtl", "teleop", f"--gin_file={gin}"]
    command += [f"--gin_bindings={binding}" for binding in bindings]
    process = start([*command, f"--run_dir={run_dir}", f"--port={port}"])
    try:
        yield Served(process)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def planned(folder) -> dict:
    """Episodes to be recorded, by episode id, in order."""
    stages.configure(GIN, [])
    with stages.open_run(folder) as run:
        tasks = teleop_plan.chosen_tasks(run, "train", ("press", "grasp", "push"), 3)
        return {i.episode_id: i for i in teleop_plan.demonstrations(run, tasks, 2)}


class Operator:
    """Sits before a page; keeps the scene in mind, as a person would see it."""

    def __init__(self, page, url: str):
        self.page = page
        page.goto(url)
        self.until("window.teleop?.status.driving")

    @property
    def status(self) -> dict:
        return self.page.evaluate("window.teleop.status")

    def until(self, condition: str, seconds: float = 30):
        until(self.page, condition, seconds)

    def key(self, name: str):
        self.page.keyboard.press(name)

    def begin(self, item):
        """Looks at a new scene."""
        self.until("window.teleop.status.phase === 'ready'")
        self.env = environment.Manipulation(item.scene)
        self.item, self.mind = item, Attempt(self.env, item.scene)

    def tap(self):
        """Presses what seems best, and sees what came of it."""
        before = len(self.mind)
        pressed = press(
            self.item.scene.task.family, self.env.world, self.item.scene.target, True
        )
        for name in pressed.keys:
            self.page.keyboard.down(name)
        for name in reversed(pressed.keys):
            self.page.keyboard.up(name)
        latch = pressed.command.latch
        wanted = before + (1 if latch is None else 3)
        self.until(
            f"window.teleop.status.step >= {min(wanted, environment.HORIZON)}", 10
        )
        self.page.wait_for_timeout(80)  # a key held too long was two steps
        held = self.env.world.finger_command if latch is None else latch
        for _ in range(self.status["step"] - before):
            self.mind.step(np.array([*pressed.command.axes, held]))

    def solve(self, item):
        """Solves a scene, and sees that it has succeeded."""
        self.begin(item)
        while not self.env.achieved(item.scene.target):
            assert not self.mind.is_over, "the operator has failed"
            self.tap()
        self.until("document.getElementById('success').classList.contains('on')")

    def does(self, key: str, said: str):
        """Presses a key of the flow, and reads the message."""
        self.page.evaluate("document.getElementById('message').textContent = ''")
        self.key(key)
        self.until(f"document.getElementById('message').textContent.includes({said!r})")


def can_solve(item) -> bool:
    """Whether this operator, who presses one key at a time, solves a scene."""
    env = environment.Manipulation(item.scene)
    mind = Attempt(env, item.scene)
    while not mind.is_over and not env.achieved(item.scene.target):
        pressed = press(item.scene.task.family, env.world, item.scene.target, True)
        latch = pressed.command.latch
        for _ in range(1 if latch is None else 3):
            held = env.world.finger_command if latch is None else latch
            if not mind.is_over:
                mind.step(np.array([*pressed.command.axes, held]))
    return env.achieved(item.scene.target)


def kept(run_dir) -> list[str]:
    return [episode.id for episode in iterate_staged(run_dir / "teleop")]


@pytest.mark.slow
def test_a_person_demonstrates_with_the_keys_alone(chromium, tmp_path):
    """Solves, keeps, redoes, discards, undoes; the server is killed."""
    run_dir = tmp_path / "run"
    items = planned(tmp_path / "plan")
    first = {}  # of each family, the first scene that this operator can solve
    for name, item in items.items():
        family = item.scene.task.family
        if family not in first and can_solve(item):
            first[family] = name
    assert set(first) == {"press", "grasp", "push"}
    good = set(first.values())
    order = list(items)
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    with teleop(run_dir) as served:
        operator = Operator(page, served.url)
        page.fill("#name", "ann")
        page.keyboard.press("Enter")
        operator.until("window.teleop.status.operator === 'ann'")
        # Keep is refused while nothing is done; redo starts over.
        operator.does("n", "nothing to keep")
        operator.begin(items[order[0]])
        operator.tap()
        operator.key("r")
        done = []
        for name in order:
            if name not in good:
                operator.does("d", "Discarded")
                continue
            operator.solve(items[name])
            operator.does("n", "Kept")
            done.append(name)
            assert kept(run_dir) == done  # durable at once
            if len(done) == 1:
                operator.does("u", "removed")
                assert kept(run_dir) == []
                operator.solve(items[name])
                operator.does("n", "Kept")
            if len(done) == len(good) - 1:
                break
        # In the middle of an attempt, everything is killed at once.
        last = next(name for name in order if name in good and name not in done)
        while operator.status["task"] != _words(items[last]):
            operator.does("d", "Discarded")
        operator.begin(items[last])
        operator.tap()
        os.killpg(served.process.pid, signal.SIGKILL)
        operator.until("!window.teleop.status.driving")
        assert kept(run_dir) == done
    with teleop(run_dir, served.port) as served:
        page.goto(served.url)
        operator.until("window.teleop?.status.driving", 60)
        assert operator.status["progress"]["episodes"] == [len(done), len(items)]
        while operator.status["task"] != _words(items[last]):
            operator.does("d", "Discarded")
        operator.solve(items[last])
        operator.does("n", "Kept")
        done.append(last)
        operator.key("q")
        page.keyboard.press("Escape")
        operator.key("q")
        operator.key("q")
        operator.until("document.body.textContent.includes('session has ended')")
    assert kept(run_dir) == done
    page.close()
    assert errors == []
    _stage(run_dir, "collect_demos")
    _half_by_hand(run_dir, set(done))


@pytest.mark.slow
def test_half_by_hand_goes_through_the_whole_pipeline(chromium, tmp_path):
    """Demonstrations, then a policy that assists, then trials."""
    run_dir = tmp_path / "run"
    items = planned(tmp_path / "plan")
    with Driven(run_dir / "teleop", list(items.values())) as driven:
        driven.do("name", "ann")
        for _ in items:
            driven.solve()
            driven.do("keep")
    _stage(run_dir, "run")
    _half_by_hand(run_dir, set(items))
    assert (run_dir / "evaluation/results.json").exists()
    page = chromium.new_page()
    with teleop(run_dir, bindings=["teleop.assist='mil'", "teleop.tasks=6"]) as served:
        _is_assisted(Operator(page, served.url))
    with teleop(run_dir, bindings=["teleop.record='trials'"]) as served:
        _tries(Operator(page, served.url), run_dir)
    page.close()


def _words(item) -> str:
    return instruction.instruction(item.scene)


def _stage(run_dir, *arguments: str):
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "wtl", *arguments),
            *(f"--gin_file={GIN}", f"--run_dir={run_dir}"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def _is_assisted(operator):
    """A trained policy drives, a key takes over, the policy gets it back."""
    page = operator.page
    operator.until("window.teleop.status.assist === false")
    operator.key("p")
    operator.until("window.teleop.status.step >= 5")
    assert operator.status["assist"] is True
    page.keyboard.down("ArrowUp")
    operator.until("window.teleop.status.assist === false")
    page.keyboard.up("ArrowUp")
    page.wait_for_timeout(300)
    step = operator.status["step"]
    page.wait_for_timeout(300)
    assert operator.status["step"] == step
    operator.key("p")
    operator.until(f"window.teleop.status.step > {step}")


def _tries(operator, run_dir):
    """A trial by hand, kept though it fails, is ordinary in `wtl_trials`."""
    page = operator.page
    before = kept(run_dir)
    operator.until("window.teleop.status.phase === 'showing'")
    assert page.inner_text("#task") == "Repeat the demonstration."
    operator.key("v")
    operator.until("window.teleop.status.phase === 'ready'")
    operator.key("w")
    operator.until("window.teleop.status.step === 1")
    operator.does("n", "It was a")
    operator.key("q")  # asks
    operator.key("q")
    operator.until("document.body.textContent.includes('session has ended')")
    (trial,) = set(kept(run_dir)) - set(before)
    binding = "--gin_bindings=collect_trials.teleop=True"
    # Of trials are as many as before, and one by hand.
    _stage(run_dir, "collect_trials", binding)
    trials = reader.read(run_dir / "datasets/wtl_trials", "train")
    by_hand = trials[fields.DEMONSTRATOR] == "teleop:anonymous"
    assert trials[fields.EPISODE_ID][by_hand].tolist() == [trial]
    demos = reader.read(run_dir / "datasets/wtl_demos")
    (row,) = by_hand.nonzero()[0]
    assert trials[fields.PARENT_DEMO_IDS][row][0] in demos.index_by_id
    _stage(run_dir, "train_retrial", binding)
    assert verify.verify(run_dir / "datasets/wtl_trials") == []
    assert verify.verify(run_dir / "datasets/wtl_demos") == []


def _half_by_hand(run_dir, done: set[str]):
    """The dataset holds what was kept, beside what is scripted."""
    demos = reader.read(run_dir / "datasets/wtl_demos", "train")
    by_hand = demos[fields.DEMONSTRATOR] == "teleop:ann"
    assert set(demos[fields.EPISODE_ID][by_hand]) == done
    assert set(demos[fields.DEMONSTRATOR][~by_hand]) == {"scripted"}
    assert demos[fields.SUCCESS].all()
    assert (demos.length == environment.HORIZON + 1).all()


@pytest.mark.slow
def test_pictures_devices_and_watchers(chromium, tmp_path):
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    # A gamepad that the test holds in its hands.
    page.add_init_script(
        """
        window.pad = {mapping: 'standard', axes: [0, 0, 0, 0],
          buttons: Array.from({length: 17}, () => ({pressed: false}))};
        navigator.getGamepads = () => [window.pad];
        """
    )
    with (
        teleop(tmp_path / "run") as served,
        prefix_proxy.below("/proxy/8765", served.port) as proxied,
    ):
        operator = Operator(page, served.url)
        assert "token" not in page.url
        _fits(page)
        # How many are made in time depends on what else the machine does.
        rate = _best_picture_rate(operator)
        assert rate >= _FLUENT, f"{rate} pictures per second"

        operator.key("r")
        page.evaluate("window.pad.axes = [0.9, 0, 0, -0.9]")
        operator.until("window.teleop.status.step >= 4")
        page.evaluate("window.pad.axes = [0.1, 0, 0, 0]")  # within the dead zone
        page.evaluate("window.pad.buttons[0].pressed = true")
        operator.until("window.teleop.status.latch === -1")
        page.evaluate("window.pad.buttons[0].pressed = false")

        operator.key("r")
        operator.until("window.teleop.status.phase === 'ready'")
        box = page.locator("#wide").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.6)
        operator.until("window.teleop.status.step >= 3")
        page.mouse.up()
        page.wait_for_timeout(400)
        step = operator.status["step"]
        page.wait_for_timeout(400)
        assert operator.status["step"] == step

        phone = chromium.new_page(
            viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True
        )
        phone.goto(f"{proxied}?{served.url.partition('?')[2]}")
        until(phone, "window.teleop?.status.driven")
        assert not phone.evaluate("window.teleop.status.driving")
        _fits(phone)
        phone.keyboard.press("d")
        phone.keyboard.down("ArrowLeft")
        phone.wait_for_timeout(400)
        assert operator.status["step"] == step
        assert phone.inner_text("#who").endswith("you watch.")
        # Who drove goes, the one on the phone takes over and steers by touch.
        page.close()
        until(phone, "!window.teleop.status.driven")
        phone.tap("#claim")
        until(phone, "window.teleop.status.driving")
        phone.keyboard.up("ArrowLeft")
        # One picture at a time, and everything in reach below it.
        for shown, hidden in (("#wide", "#close"), ("#close", "#wide")):
            assert phone.is_visible(shown) and phone.is_hidden(hidden)
            pad, view = (phone.locator(n).bounding_box() for n in ("#pad", shown))
            assert view["y"] + view["height"] < pad["y"]
            assert pad["y"] + pad["height"] <= 844
            phone.tap("#other")
        phone.tap("#pad [data-axis='2'][data-sign='1']")
        until(phone, f"window.teleop.status.step > {step}")
        # Out of steps, a failed demonstration is made again.
        phone.keyboard.down("t")
        until(phone, "window.teleop.status.phase === 'over'", 60)
        phone.keyboard.up("t")
        assert "out of steps" in phone.inner_text("#success")
        phone.tap("#go-on")
        until(phone, "window.teleop.status.phase === 'ready'")
        phone.close()


def _fits(page):
    """Nothing is wider than the window."""
    assert page.evaluate(
        "document.documentElement.scrollWidth <= window.innerWidth + 1"
    )


_FLUENT = 5  # pictures per second that any machine makes, unless they are stuck


def _best_picture_rate(operator, attempts: int = 3) -> float:
    """Pictures per second while the gripper moves; other processes disturb some."""
    best = 0.0
    for _ in range(attempts):
        operator.key("r")
        operator.until("window.teleop.status.phase === 'ready'")
        operator.page.keyboard.down("w")
        operator.page.wait_for_timeout(300)
        before = operator.page.evaluate("window.teleop.shown")
        began = time.monotonic()
        operator.page.wait_for_timeout(2000)
        shown = operator.page.evaluate("window.teleop.shown") - before
        best = max(best, shown / (time.monotonic() - began))
        operator.page.keyboard.up("w")
        if best >= _FLUENT:
            break
    return best


@pytest.mark.slow
def test_the_page_has_the_controls_that_a_user_declares(chromium, tmp_path):
    gin = tmp_path / "table.gin"
    gin.write_text(
        f"import tests.driven_table\ninclude '{ROOT}/tests/tiny.gin'\n"
        "suite.domain = 'driven_table'\n"
    )
    page = chromium.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    with teleop(tmp_path / "run", gin=str(gin)) as served:
        operator = Operator(page, served.url)
        assert page.locator("figcaption").all_inner_texts() == [
            "cameras/top",
            "cameras/side",
        ]
        keys = page.locator("#help").inner_text()
        assert "right, left" in keys and "space" not in keys and "drag" not in keys
        operator.until("window.teleop.shown > 0")
        operator.key(" ")  # there is nothing to switch
        page.locator("#wide").click()
        operator.key("ArrowDown")
        operator.until("window.teleop.status.step === 1")
        operator.does("o", "")
        operator.until("window.teleop.status.override === true")
        operator.does("n", "Kept")
    assert len(kept(tmp_path / "run")) == 1 and not errors


@pytest.mark.slow
def test_messages_of_the_page_are_within_the_rate(chromium, tmp_path):
    """A person at the keys never gets near what is taken for hostile."""
    page = chromium.new_page()
    sent = []
    page.on(
        "websocket",
        lambda socket: socket.on("framesent", lambda data: sent.append(data)),
    )
    with teleop(tmp_path / "run") as served:
        Operator(page, served.url)
        began = time.monotonic()
        for _ in range(20):
            for name in ("ArrowLeft", "ArrowUp", "w"):
                page.keyboard.down(name)
            page.wait_for_timeout(50)
            for name in ("ArrowLeft", "ArrowUp", "w"):
                page.keyboard.up(name)
        assert len(sent) / (time.monotonic() - began) < 120
        assert all(len(json.dumps(data)) < 512 for data in sent)
    page.close()
