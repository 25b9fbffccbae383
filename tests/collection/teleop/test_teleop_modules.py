"""Modules of the page alone, in a Chromium without a server."""

import math
import pathlib

import pytest

from wtl.collection.teleop import server
from wtl.collection.worlds import registry

_PAGE = pathlib.Path(server.__file__).parent / "page"
_BASE = _PAGE.parents[1] / "page"
_SECURE, _PLAIN = "http://localhost", "http://plain.example"


def serve(page):
    """Answers all requests of a page from the files of the package."""
    controls = registry.get("tabletop").teleop.controls | {"socket": "socket"}
    kinds = {".css": "text/css", ".js": "text/javascript", ".html": "text/html"}

    def answer(route):
        name = route.request.url.rpartition("/")[2] or "page.html"
        path = next((f / name for f in (_PAGE, _BASE) if (f / name).is_file()), None)
        if name == "controls.json":
            route.fulfill(json=controls)
        elif name == "empty":
            route.fulfill(body="<!DOCTYPE html>", content_type="text/html")
        elif path is None:
            route.abort()
        else:
            body = path.read_text()
            route.fulfill(body=body, content_type=kinds[path.suffix])

    for origin in (_SECURE, _PLAIN):
        page.route(f"{origin}/**", answer)


@pytest.fixture(scope="module")
def page(chromium):
    page = chromium.new_page()
    serve(page)
    page.goto(f"{_SECURE}/empty")
    yield page
    page.close()


def call(page, module: str, expression: str, *arguments):
    """Evaluates an expression of `m`, the module, and `a`, the arguments."""
    body = f"const m = await import('/{module}.js'); return {expression};"
    return page.evaluate(f"async (a) => {{ {body} }}", list(arguments))


def parse(page, report: str):
    data = "new DataView(Uint8Array.from(a[1]).buffer)"
    ident, *rest = bytes.fromhex(report)
    return call(page, "spacemouse", f"m.parse(a[0], {data})", ident, rest)


@pytest.mark.parametrize(
    ("report", "state"),
    [
        ("01 c800 9cff 5e01", {"moved": [200, -100, 350]}),
        ("02 0000 e2ff 0000", {"turned": [0, -30, 0]}),
        (
            "01 0100 0200 0300 ffff feff fdff",
            {"moved": [1, 2, 3], "turned": [-1, -2, -3]},
        ),
        ("03 03 00", {"buttons": 3}),
        ("03 02 00 00 00", {"buttons": 2}),
        ("17 64 00", {}),  # the state of the battery
        ("01 c800", {}),
        ("02", {}),
        ("03", {}),
    ],
)
def test_reports_of_a_spacemouse(page, report, state):
    assert parse(page, report) == state


def test_rates_of_a_spacemouse(page):
    def rates(moved, turn):
        state = {"moved": moved, "turned": [0, 0, turn]}
        return call(page, "spacemouse", "m.rates(a[0])", state)

    assert [abs(r) for r in rates([35, -35, 20], -35)] == [0, 0, 0, 0]
    # Right, towards the user, down, clockwise: and never beyond the ends.
    assert rates([400, 350, 350], 350) == [1, -1, -1, -1]
    half = 0.1 * 350 + 0.5 * 0.9 * 350
    assert rates([half, 0, 0], 0)[0] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("angles", "screen", "heading", "elevation"),
    [
        ((0, 0, 0), 0, 0, 0),
        ((30, 0, 0), 0, 30, 0),
        ((350, 40, 0), 0, -10, 40),
        ((30, 20, 70), 0, 30, 20),  # a roll changes neither
        ((0, 0, -25), 90, -90, 25),  # landscape: the right edge is the upper one
        ((0, 0, 25), 270, 90, 25),
    ],
)
def test_where_a_phone_points(page, angles, screen, heading, elevation):
    event = dict(zip(("alpha", "beta", "gamma"), angles))
    found = call(page, "phone", "m.pointing(a[0], a[1])", event, screen)
    assert math.degrees(found["heading"]) == pytest.approx(heading, abs=1e-6)
    assert math.degrees(found["elevation"]) == pytest.approx(elevation, abs=1e-6)


def test_a_phone_turns_past_north_and_not_at_the_zenith(page):
    def change(*directions):
        pair = [dict(zip(("heading", "elevation"), d)) for d in directions]
        return call(page, "phone", "m.change(a[0], a[1])", *pair)

    assert change((3.1, 0.2), (-3.1, 0.4)) == pytest.approx([0.05, 2 * math.pi - 6.2])
    assert change((0.0, 1.5), (2.0, 1.55)) == pytest.approx([0.0125, 0])


def test_how_a_controller_has_moved(page):
    def pose(position, axis, angle):
        half = math.sin(angle / 2)
        parts = [*(half * x for x in axis), math.cos(angle / 2)]
        return {
            "position": dict(zip("xyz", position)),
            "orientation": dict(zip("xyzw", parts)),
        }

    def change(*poses):
        return call(page, "headset", "m.change(a[0], a[1])", *poses)

    up, right = (0, 1, 0), (1, 0, 0)
    found = change(pose((0, 0, 0), up, 0.3), pose((0.1, 0.2, -0.3), up, 0.7))
    assert found == pytest.approx([0.1, 0.3, 0.2, 0.4])
    # A pitch is no turn, nor is the other sign of the same quaternion.
    assert change(pose((0, 0, 0), right, 0), pose((0, 0, 0), right, 0.5))[3] == 0
    turned = change(pose((0, 0, 0), up, 0), pose((0, 0, 0), up, 2 * math.pi - 0.2))
    assert turned[3] == pytest.approx(-0.2)


# A clutch that leads axes 0 and 2, held in the middle of an attempt, and its readings
# after moves of the hand, the clutch held or not, and changes of the status.
_LEAD = """((moves) => {
  const page = {status: {driving: true, phase: 'acting', step: 5, travel: [1, 2, 3]}};
  const axes = [{stride: 0.1}, {stride: 0.1}, {}];
  const clutch = new m.Clutch(page, {axes}, [0, 2, 3]);
  clutch.hold(true);
  return moves.map((move) => {
    if (Array.isArray(move)) clutch.move(move);
    else if (typeof move === 'boolean') clutch.hold(move);
    else Object.assign(page.status = {...page.status, ...move});
    return clutch.read()?.lead ?? null;
  });
})(a)"""


def test_axes_arrive_where_the_hand_leads(page):
    # Where the world says nothing of an axis, 0.05 m are a stride.
    leads = call(page, "clutch", _LEAD, [0.02, -0.01], [0.13, 0])
    assert leads == [[1.2, None, 2.8], [2.5, None, 2.8]]


def test_a_hand_that_trembles_leads_nowhere(page):
    moves = [[0.002, 0], [-0.004, 0.001], [0.003, -0.002], [-0.001, 0.001]] * 5
    assert call(page, "clutch", _LEAD, *moves) == [[1, None, 3]] * 20
    # Slow motion is not lost in the dead zone.
    assert call(page, "clutch", _LEAD, *[[0.001, 0]] * 40)[-1][0] > 1.36


def test_another_attempt_needs_another_squeeze(page):
    again = {"phase": "ready", "step": 0, "travel": [0, 0, 0]}
    leads = call(
        page, "clutch", _LEAD, [0.1, 0], again, [0.1, 0], False, True, [0.1, 0]
    )
    assert leads == [[2, None, 3], None, None, None, [0, None, 0], [1, None, 0]]
    for change in ({"driving": False}, {"phase": "over"}):
        assert call(page, "clutch", _LEAD, change) == [None]


def test_without_a_secure_address_one_line_says_so(chromium):
    page = chromium.new_page(has_touch=True, is_mobile=True)
    serve(page)
    page.goto(f"{_PLAIN}/")
    page.wait_for_function("document.getElementById('device').textContent")
    assert "https" in page.inner_text("#device")
    assert "\n" not in page.inner_text("#device")
    assert not page.locator("#devices button").count()
    page.close()
