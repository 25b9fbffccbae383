"""Devices that Chromium has no hardware for: files of events are replayed to the page.

The files in `device_events` say what their format is, and that no device recorded them.
"""

import json
import pathlib
import time

import numpy as np
import pytest
from browsing import until
from served import session

from wtl.datasets.contract import fields
from wtl.datasets.storage.staging import iterate_staged

_HERE = pathlib.Path(__file__).parent
_FAKES = (_HERE / "fake_devices.js").read_text()
_SETPOINT = slice(5, 9)  # of the tabletop's state: x, y, z, yaw
_SECONDS = 60  # a busy machine is slow, not wrong
_STRIDE = (0.08, 0.08, 0.08, 0.5)  # metres and radians at rate 1
# The page's dead zone, of 0.03 strides, and the tremor of the hand.
_NEAR = (0.005, 0.005, 0.005, 0.025)


def events(name: str) -> dict:
    return json.loads((_HERE / "device_events" / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server of trials, which are kept whatever comes of them."""
    folder = tmp_path_factory.mktemp("devices")
    with session(folder, role=fields.ROLE_TRIAL) as running:
        yield running


class Page:
    """The page at the start of a scene, in a browser with replayed devices."""

    def __init__(self, served, browser, fakes: str = "", **options):
        self.served = served
        self.page = browser.new_page(**options)
        self.errors = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.add_init_script(f"{{{_FAKES}\n{fakes}}}")
        self.page.goto(served.url)
        self.until("window.teleop?.status.driving")
        self.page.keyboard.press("r")
        self.until(
            "window.teleop.status.phase === 'ready' && !window.teleop.status.step"
        )
        (self.kept, _) = self.status["progress"]["episodes"]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.page.close()
        assert kind or not self.errors

    def until(self, condition: str):
        until(self.page, condition, _SECONDS)

    def play(self, name: str, file: dict):
        self.page.evaluate(f"file => window.replay.{name}(file)", file)

    @property
    def status(self) -> dict:
        return self.page.evaluate("window.teleop.status")

    @property
    def notice(self) -> str:
        return self.page.inner_text("#device")

    def connect(self, label: str, notice: str):
        self.page.click(f"#devices button:text-is('{label}')")
        self.says(notice)

    def says(self, notice: str):
        self.until(
            f"document.getElementById('device').textContent.includes({notice!r})"
        )

    def settle(self) -> np.ndarray:
        """The travel in metres and radians, once nothing has moved for some steps."""
        before, now = None, self.status
        while before is None or now["step"] != before["step"]:
            before = now
            self.page.wait_for_timeout(500)
            now = self.status
        return np.array(now["travel"]) * _STRIDE

    def arrive(self, *travel: float):
        """Waits until the axes have travelled so far, and then travel no further."""
        end = time.monotonic() + _SECONDS
        while True:
            now = np.array(self.status["travel"]) * _STRIDE
            if np.allclose(now, travel, atol=_NEAR):
                break
            assert time.monotonic() < end, f"at {now}, not at {travel}"
            self.page.wait_for_timeout(50)
        assert np.allclose(self.settle(), travel, atol=_NEAR)

    def stored(self):
        """The episode of this scene, once it is kept."""
        self.until(f"window.teleop.status.progress.episodes[0] > {self.kept}")
        return list(iterate_staged(self.served.folder))[-1]


def moved(episode) -> np.ndarray:
    """[4] x, y, z, yaw that the setpoint of the fingers has moved."""
    setpoints = episode.steps[fields.STATE][:, _SETPOINT]
    return setpoints[-1] - setpoints[0]


def test_a_spacemouse_moves_the_gripper_as_its_cap(served, chromium):
    file = events("spacenavigator")
    reports = file["reports"]
    pushed = [row for row in reports if row[0] < 700]
    with Page(served, chromium, "window.fakes.hid()") as page:
        page.play("plug", file)
        page.connect("connect SpaceMouse", "is connected")
        assert page.page.is_hidden("#devices button:text-is('connect SpaceMouse')")
        # Button 1 opens the fingers, then the cap is pushed, held and let go.
        page.play("mouse", {"reports": pushed})
        page.play("hold", {"reports": pushed})
        page.until("window.teleop.status.travel[0] > 1.2")
        page.page.evaluate("clearInterval(window.held)")
        page.play("mouse", {"reports": reports[-40:]})
        page.settle()
        page.page.keyboard.press("n")
        episode = page.stored()
    actions = episode.steps[fields.ACTION][:-1]
    assert actions[0, 4] == -1
    # 200 of 350, less the dead zone, squared.
    full = ((200 / 350 - 0.1) / 0.9) ** 2
    assert abs(actions[:, 0].max() - full) < 0.02
    # What a hand couples into other axes is within the dead zone.
    assert not actions[:, 1:4].any()
    assert moved(episode)[0] >= 1.2 * _STRIDE[0] and not moved(episode)[1:].any()


def test_a_spacemouse_that_is_lost_stops(served, chromium):
    file = events("spacemouse_wireless")
    with Page(served, chromium, "window.fakes.hid()") as page:
        page.play("plug", file)
        page.page.evaluate("window.hidRefuses = true")
        page.connect("connect SpaceMouse", "Failed to open")
        page.page.evaluate("window.hidRefuses = false")
        page.connect("connect SpaceMouse", "is connected")
        page.play("mouse", file)  # ends while the cap is deflected
        page.play("hold", file)
        page.until("window.teleop.status.step >= 4")
        # Beyond the reach of its radio it stops, and goes on when it is back.
        page.page.evaluate("clearInterval(window.held)")
        page.settle()
        step = page.status["step"]
        page.play("hold", file)
        page.until(f"window.teleop.status.step > {step + 2}")
        page.page.evaluate("navigator.hid.tell('disconnect', window.mouse)")
        page.page.evaluate("clearInterval(window.held)")
        assert "unplugged" in page.notice and "stopped" in page.notice
        right, away, up, turn = page.settle()
        assert right == 0 and away < -0.05 and up > 0.05 and turn < -0.1
        page.page.evaluate("navigator.hid.tell('connect', window.mouse)")
        page.says("is connected")


@pytest.mark.slow
def test_a_controller_leads_while_it_is_squeezed(served, chromium):
    frames = events("touch_controller")["frames"]

    def between(first, last):
        return {"frames": [frame for frame in frames if first <= frame[0] < last]}

    with Page(served, chromium, "window.fakes.xr()") as page:
        page.connect("enter headset", "squeeze: the hand leads")
        page.play("controller", between(0, 1900))
        page.arrive(0.12, 0.04, 0.05, np.deg2rad(30))
        page.play("controller", between(1900, 3300))
        # The way back is not followed, as the hand has let go; the trigger closes the
        # fingers, which were closed, and then lets them open.
        page.until("window.teleop.status.latch === -1")
        page.arrive(0.12, 0.04, 0.05, np.deg2rad(30))
        page.page.evaluate("window.xrSession.looks = true")
        page.play("controller", between(3300, 4000))
        episode = page.stored()  # at a press of A
        pixels = page.page.evaluate("Array.from(window.xrSession.seen)")
    travelled = (0.12, 0.04, 0.05, np.deg2rad(30))
    assert np.allclose(moved(episode), travelled, atol=_NEAR)
    fingers = episode.steps[fields.ACTION][:-1, 4]
    assert fingers[0] == 1 and fingers[-1] == -1
    # The wearer sees the pictures of the page.
    assert len({tuple(pixels[i : i + 3]) for i in range(0, len(pixels), 4)}) > 20


@pytest.mark.slow
def test_a_controller_that_is_lost_stops(served, chromium):
    frames = events("touch_controller")["frames"]
    led = {"frames": [frame for frame in frames if frame[0] < 1000]}
    loose = {"frames": frames[:2]}
    with Page(served, chromium, "window.fakes.xr()") as page:
        page.connect("enter headset", "squeeze: the hand leads")
        page.play("controller", led)
        page.until("window.teleop.status.travel[0] > 0.2")
        page.page.evaluate("window.xrSession.tracked = false")
        page.says("not tracked")
        assert "stopped. Squeeze again" in page.notice
        before = page.settle()
        assert 0 < before[0] < 0.1
        # Tracked again, it doesn't lead before it is squeezed again.
        page.page.evaluate("window.xrSession.tracked = true")
        page.play("controller", {"frames": frames[40:50]})
        assert (page.settle() == before).all()
        page.play("controller", loose)
        page.play("controller", led)
        page.until(f"window.teleop.status.travel[0] > {before[0] / 0.08 + 0.2}")
        page.page.evaluate("window.xrSession.inputSources = []")
        page.says("gone")
        page.page.evaluate("window.xrSession.end()")
        page.says("is left")
        assert page.page.is_visible("#devices button:text-is('enter headset')")


@pytest.mark.slow
def test_a_phone_is_a_pointer(served, chromium):
    phone = {"viewport": {"width": 390, "height": 844}, "is_mobile": True}
    safari = (
        "window.answer = 'denied';"
        "DeviceOrientationEvent.requestPermission = async () => window.answer;"
    )
    rows = [angles for _, *angles in events("phone")["events"]]
    up, turn = 0.25 * np.deg2rad(24), np.deg2rad(30)
    with Page(served, chromium, safari, has_touch=True, **phone) as page:
        devtools = page.page.context.new_cdp_session(page.page)

        def hold(*names):
            boxes = [page.page.locator(name).bounding_box() for name in names]
            points = [
                {"x": b["x"] + b["width"] / 2, "y": b["y"] + b["height"] / 2, "id": i}
                for i, b in enumerate(boxes)
            ]
            kind = "touchStart" if points else "touchEnd"
            command = {"type": kind, "touchPoints": points}
            devtools.send("Input.dispatchTouchEvent", command)

        def turned(rows):
            for row in rows:
                angles = dict(zip(("alpha", "beta", "gamma"), row))
                devtools.send("DeviceOrientation.setDeviceOrientationOverride", angles)
                page.page.wait_for_timeout(30)

        turned(rows[:1])
        page.connect("steer by tilting", "denies")
        page.page.evaluate("window.answer = 'granted'")
        page.connect("steer by tilting", "Hold")
        turned(rows[:30])
        page.arrive(0, 0, 0, 0)  # the clutch is not held
        turned(rows[:5])
        hold("#tilt")
        turned(rows)
        page.arrive(0, 0, up, turn)
        # Back without the clutch; then again, with a thumb on a button for the plane.
        hold()
        turned(rows[::-6])
        hold("#tilt", "#pad .e")
        turned(rows[:40:4])
        page.until("window.teleop.status.travel[0] > 0.3")
        hold()
        right, away, higher, further = page.settle()
        assert right > 0.02 and away == 0
        assert higher > 1.2 * up and further > 1.2 * turn
        devtools.detach()


def test_a_desktop_offers_what_it_has_and_misses_what_is_unplugged(served, chromium):
    pad = """
        window.pad = {mapping: 'standard', axes: [0, 0, 0, 0], buttons: []};
        navigator.getGamepads = () => [window.pad];
        """
    with Page(served, chromium, pad) as page:
        for feature in ("hid", "xr-spatial-tracking", "gyroscope", "accelerometer"):
            allowed = f"document.featurePolicy.allowsFeature({feature!r})"
            assert page.page.evaluate(allowed), feature
        labels = page.page.locator("#devices button").all_inner_texts()
        assert labels == ["connect SpaceMouse"]
        page.page.evaluate("window.pad.axes[0] = 0.9")
        page.until("window.teleop.status.step >= 2")
        page.page.evaluate(
            "window.pad = null; window.dispatchEvent(new Event('gamepaddisconnected'))"
        )
        page.says("stopped")
        page.settle()
