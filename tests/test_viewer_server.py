"""The viewer's server: every route, hostile requests, and edits to a new version."""

import io
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.parse

import numpy as np
import pytest
from PIL import Image
from served import ROOT
from viewed import make_run, tree, viewing

from datasets import checksums, reader, verify
from wtl.envs import renderer
from wtl.viewer.rendering import PIXELS, Studio
from wtl.viewer.sheet import COLUMNS


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("view") / "run")


@pytest.fixture(scope="module")
def viewed(made):
    """A viewer that nobody edits."""
    with viewing(made) as running:
        yield running


@pytest.fixture
def run(made, tmp_path):
    """A run of one's own."""
    shutil.copytree(made, tmp_path / "run")
    return tmp_path / "run"


def _first(viewed, **query):
    found = viewed.get(f"/api/episodes?{urllib.parse.urlencode(query)}")
    return found["rows"][0]["id"]


def test_the_page_and_its_parts_are_served_and_nothing_else(viewed):
    files = {
        "/": "text/html",
        **{
            f"/{name}.js": "text/javascript"
            for name in ("page", "browser", "curves", "panels", "player", "server")
        },
        "/page.css": "text/css",
    }
    for path, kind in files.items():
        status, headers, body = viewed.ask(path)
        assert status == 200 and body
        assert headers.get_content_type() == kind
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert "aiohttp" not in headers["Server"]
    for path in (
        "/page.html",
        "/server.py",
        "/../server.py",
        "/page/page.html",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/api/",
        "/api/episodes/../../server.py",
    ):
        status, headers, body = viewed.ask(path)
        assert status == 404 and set(body) == {"error"}, path
        assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_the_library_tells_what_there_is(viewed, made):
    told = viewed.get("/api/library")
    assert told["path"] == str(made) and told["chosen"] == ""
    assert told["missing_renderer"] == "images can't be rendered here"
    assert told["datasets"]["wtl_trials"] == {
        "version": "1.0.0",
        "episodes": 12,
        "views": ["image", "drawing"],
    }


def test_lists_are_filtered_and_given_in_parts(viewed):
    whole = viewed.get("/api/episodes")
    assert whole["total"] == len(whole["rows"]) == 18
    assert whole["facets"]["dataset"] == {"wtl_demos": 6, "wtl_trials": 12}
    part = viewed.get("/api/episodes?offset=5&limit=4")
    assert part["rows"] == whole["rows"][5:9] and "facets" not in part
    assert viewed.get("/api/episodes?offset=999")["rows"] == []
    name = whole["rows"][7]["id"]
    assert viewed.get(f"/api/episodes?id={name}&limit=1")["place"] == 7
    assert viewed.get(f"/api/episodes?id={name}&role=eval")["place"] is None
    failed = viewed.get("/api/episodes?role=trial&success=false&family=press")
    assert failed["total"] == 2
    assert {row["role"] for row in failed["rows"]} == {"trial"}


def test_an_episode_is_told_with_its_links_and_curves(viewed):
    name = _first(viewed, role="retrial", family="grasp")
    told = viewed.get(f"/api/episodes/{name}")
    assert [viewed.library[n]["role"] for n in told["chain"]] == [
        "demo",
        "trial",
        "retrial",
    ]
    assert told["chain"][-1] == name and told["metadata"]["episode_id"] == name
    assert [p["id"] for p in told["parents"]] == told["chain"][:2]
    row = viewed.library[name]
    episode = viewed.library.index_of(row).episode(row)
    assert list(told["curves"]["action"]) == ["x", "y", "z", "yaw", "fingers"]
    for axis, values in enumerate(told["curves"]["action"].values()):
        expected = episode.steps["action"][:, axis]
        np.testing.assert_allclose(values, expected, atol=1e-4)
    np.testing.assert_allclose(told["curves"]["reward"], episode.steps["reward"])
    np.testing.assert_allclose(told["curves"]["time"], np.arange(41) / 10, atol=1e-4)
    # What has more digits than a number in a browser.
    assert told["metadata"]["scene_seed"] == str(episode.metadata["scene_seed"])
    demo = viewed.get(f"/api/episodes/{told['chain'][0]}")
    assert demo["children_total"] == 2 and demo["descendants"] == []
    trial = viewed.get(f"/api/episodes/{told['chain'][1]}")
    assert trial["descendants"] == [name]


def test_stored_frames_come_as_sheets_bit_for_bit(viewed):
    name = _first(viewed, role="demo")
    row = viewed.library[name]
    images = viewed.library.index_of(row).episode(row).steps["image"]
    for first, count in ((0, 64), (3, 1), (5, 10)):
        status, headers, body = viewed.ask(
            f"/api/episodes/{name}/frames/image?first={first}&count={count}"
        )
        assert (status, headers.get_content_type()) == (200, "image/png")
        sheet = np.asarray(Image.open(io.BytesIO(body)))
        expected = images[first : first + count]
        columns, side = min(COLUMNS, len(expected)), 16
        for i, frame in enumerate(expected):
            y, x = divmod(i, columns)
            found = sheet[side * y : side * (y + 1), side * x : side * (x + 1)]
            np.testing.assert_array_equal(found, frame)


def test_drawings_are_svg(viewed):
    name = _first(viewed, role="trial", success="false")
    status, headers, body = viewed.ask(f"/api/episodes/{name}/drawing")
    assert (status, headers.get_content_type()) == (200, "image/svg+xml")
    assert body.startswith(b"<svg") and b"animateTransform" in body


def test_statistics_are_of_what_is_selected(viewed):
    assert viewed.get("/api/statistics")["episodes"] == 18
    told = viewed.get("/api/statistics?role=trial")
    assert told["episodes"] == 6 and told["success"]["success"] == 0.5


@pytest.mark.parametrize(
    "path, status",
    [
        ("/api/episodes/nobody", 404),
        ("/api/episodes/nobody/frames/image", 404),
        ("/api/episodes/nobody/drawing", 404),
        ("/api/episodes?famly=press", 400),
        ("/api/episodes?offset=-1", 400),
        ("/api/episodes?limit=1e9", 400),
        ("/api/episodes?offset=99999999999999999999", 400),
        ("/api/statistics?order=up", 400),
        ("/api/episodes/ID/frames/image?first=41", 400),
        ("/api/episodes/ID/frames/image?count=65", 400),
        ("/api/episodes/ID/frames/image?count=0", 400),
        ("/api/episodes/ID/frames/wrist_image", 400),
        ("/api/episodes/ID/frames/physics_state", 400),
        ("/api/episodes/ID/frames/orbit?azimuth=nan", 400),
        ("/api/episodes/ID/frames/orbit?distance=0", 400),
        ("/api/episodes/ID/frames/orbit?elevation=x", 400),
    ],
)
def test_what_is_asked_for_wrongly_is_one_clear_error(viewed, path, status):
    found, _, told = viewed.ask(path.replace("ID", _first(viewed, role="demo")))
    assert found == status
    assert set(told) == {"error"} and "\n" not in told["error"] and told["error"]


def test_a_name_that_was_pointed_here_is_refused(viewed):
    for path in ("/", "/api/episodes", "/page.js"):
        assert viewed.ask(path, Host="evil.example")[0] == 403
        assert viewed.ask(path, Host=f"localhost:{viewed.port}")[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": None},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
    ],
)
def test_another_page_changes_nothing(viewed, headers):
    name = _first(viewed, role="demo")
    for path, method, body in (
        ("/api/edits", "PUT", {"edits": {name: {"deleted": True}}}),
        ("/api/publish", "POST", {"dataset": "wtl_demos"}),
    ):
        if "Content_Type" in headers:
            headers = {"Content-Type": headers["Content_Type"]}
        assert viewed.ask(path, method, body, **headers)[0] in (403, 415)
    assert viewed.get("/api/edits") == {"datasets": {}}


def test_another_page_reads_nothing(viewed):
    for site in ("cross-site", "same-site"):
        assert viewed.ask("/api/episodes", Sec_Fetch_Site=site)[0] == 403
    _, headers, _ = viewed.ask("/api/episodes")
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Access-Control-Allow-Origin"] is None


@pytest.mark.parametrize(
    "body, status",
    [
        (b"", 400),
        (b"[[[", 400),
        (b"[]", 400),
        (b"[" * 100_000, 400),
        (b"\xff\xfe", 400),
        (b'{"edits": []}', 400),
        (b'{"edits": {"nobody": {"invalid": true}}}', 404),
        (b'{"edits": {"ID": {"family": "press"}}}', 400),
        (b'{"edits": {"ID": {"invalid": "yes"}}}', 400),
        (b'{"edits": {"ID": {"notes": "\\ud800"}}}', 400),
        (b'{"edits": {"ID": {"invalid": true}, "nobody": {"invalid": true}}}', 404),
        (b'{"edits": {"ID": {"notes": "' + b"x" * (5 << 20) + b'"}}}', 413),
    ],
)
def test_edits_that_make_no_sense_change_nothing(viewed, body, status):
    body = body.replace(b"ID", _first(viewed, role="demo").encode())
    found, _, told = viewed.ask("/api/edits", "PUT", body)
    assert found == status and set(told) == {"error"}, told
    assert viewed.get("/api/edits") == {"datasets": {}}


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET //[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [::\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
    ],
)
def test_requests_that_make_no_sense_get_no_page(viewed, request_):
    with socket.create_connection(("127.0.0.1", viewed.port), timeout=15) as raw:
        raw.sendall(request_)
        raw.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while part := raw.recv(4096):
                answer += part
        except ConnectionResetError:
            pass
    assert b" 200 " not in answer.split(b"\r\n")[0]
    assert viewed.get("/api/library")


def test_other_addresses_need_the_token(made):
    with viewing(made, token="secret") as viewed:
        for path in ("/", "/?token=", "/?token=wrong", "/?token=%ff", "/api/episodes"):
            assert viewed.ask(path)[0] == 403
        assert viewed.ask("/api/episodes", Cookie="wtl_view=wrong")[0] == 403
        status, headers, _ = viewed.ask("/?token=secret", Host="lab.example:80")
        cookie = headers["Set-Cookie"]
        assert status == 200 and "HttpOnly" in cookie and "SameSite=Strict" in cookie
        kept = cookie.partition(";")[0]
        assert viewed.ask("/api/episodes", Cookie=kept)[0] == 200
        body = {"dataset": "wtl_demos"}
        status, *_ = viewed.ask(
            "/api/publish", "POST", body, Cookie=kept, Origin="http://evil.example"
        )
        assert status == 403


def test_edits_are_listed_undone_and_published_as_a_new_version(run):
    demos = run / "datasets" / "wtl_demos"
    before = tree(run / "datasets")
    with viewing(run) as viewed:
        one, two, three = list(viewed.library.indices["wtl_demos"].rows)[:3]
        # What is so already is no edit.
        assert viewed.edit(**{one: {"success": True, "invalid": False}}) == {}
        viewed.edit(**{one: {"invalid": True, "notes": "<b>slips</b>"}})
        viewed.edit(**{two: {"success": False}, three: {"deleted": True}})
        told = viewed.get(f"/api/episodes/{two}")
        assert told["success"] is False and told["metadata"]["success"] is True
        assert viewed.get("/api/episodes?flag=edited")["total"] == 3
        assert viewed.get("/api/episodes?flag=deleted")["total"] == 1
        viewed.edit(**{two: {}})
        pending = viewed.get("/api/edits")["datasets"]["wtl_demos"]
        assert [edit["id"] for edit in pending["edits"]] == [one, three]
        assert pending["edits"][0]["was"] == {"invalid": False, "notes": ""}
    # Another viewer goes on with what is pending.
    with viewing(demos) as viewed:
        assert viewed.library.chosen == "wtl_demos"
        assert len(viewed.get("/api/edits")["datasets"]["wtl_demos"]["edits"]) == 2
        told = viewed.publish("wtl_demos")
        assert (told["version"], told["kept"], told["seen"]) == ("2.0.0", 5, 6)
        assert viewed.get("/api/edits") == {"datasets": {}}
        # It now shows the new version.
        library = viewed.get("/api/library")
        assert library["datasets"]["wtl_demos"]["version"] == "2.0.0"
        assert viewed.ask(f"/api/episodes/{three}")[0] == 404
        assert viewed.get(f"/api/episodes/{one}")["metadata"]["invalid"] is True
        assert viewed.get("/api/episodes?flag=orphan")["total"] == 2
        status, _, told = viewed.ask("/api/publish", "POST", {"dataset": "wtl_demos"})
        assert status == 400 and "no edits" in told["error"]
        assert viewed.ask("/api/publish", "POST", {"dataset": "x"})[0] == 400
    new = demos / "2.0.0"
    assert verify.verify(new) == []
    assert verify.verify(run / "datasets" / "wtl_trials") == []
    after = tree(run / "datasets")
    assert {name: after[name] for name in before} == before
    account = json.loads((new / "provenance.json").read_text())
    assert account["parents"][0]["fingerprint"] == checksums.fingerprint(
        demos / "1.0.0"
    )
    assert account["edits"] == {
        one: {"invalid": True, "notes": "<b>slips</b>"},
        three: {"deleted": True},
    }
    assert {e.id for e in reader.iterate_episodes(new)} == {
        e.id for e in reader.iterate_episodes(demos / "1.0.0")
    } - {three}


def test_edits_of_a_version_that_is_not_shown_are_not_forgotten(run):
    demos = run / "datasets" / "wtl_demos"
    with viewing(run) as viewed:
        one, two = list(viewed.library.indices["wtl_demos"].rows)[:2]
        viewed.edit(**{one: {"invalid": True}})
        viewed.publish("wtl_demos")
    with viewing(demos / "1.0.0") as viewed:
        assert viewed.get("/api/library")["warnings"] == []
        viewed.edit(**{two: {"invalid": True}})
    with viewing(run) as viewed:
        (warning,) = viewed.get("/api/library")["warnings"]
        assert "1 edited episodes of wtl_demos 1.0.0" in warning
        assert f"wtl view {demos / '1.0.0'}" in warning
    with viewing(demos / "1.0.0") as viewed:
        assert viewed.publish("wtl_demos")["version"] == "3.0.0"


def test_a_second_viewer_looks_on_while_the_first_edits(run):
    with viewing(run) as first, viewing(run) as second:
        name = _first(first, role="demo")
        first.edit(**{name: {"invalid": True}})
        status, _, told = second.ask(
            "/api/edits", "PUT", {"edits": {name: {"deleted": True}}}
        )
        assert status == 409 and "being written by process" in told["error"]
        assert second.get("/api/episodes")["total"] == 18


def test_an_episode_that_is_damaged_is_named(run):
    (shard,) = (run / "datasets" / "wtl_demos" / "1.0.0").glob("*val.tfrecord-*")
    data = bytearray(shard.read_bytes())
    data[-5000] ^= 1
    shard.write_bytes(bytes(data))
    with viewing(run) as viewed:
        names = [n for n, r in viewed.library.indices["wtl_demos"].rows.items()]
        answers = [viewed.ask(f"/api/episodes/{name}") for name in names]
        (bad,) = [told for status, _, told in answers if status != 200]
        assert "is damaged" in bad["error"] and "wtl verify" in bad["error"]
        viewed.edit(**{names[0]: {"invalid": True}})
        status, _, told = viewed.ask("/api/publish", "POST", {"dataset": "wtl_demos"})
        assert status == 422 and "wtl verify" in told["error"]
        assert len(viewed.get("/api/edits")["datasets"]["wtl_demos"]["edits"]) == 1


@pytest.fixture(scope="module")
def rendering(made):
    try:
        renderer.find_renderer()
    except renderer.RendererNotFoundError as error:
        pytest.skip(str(error))
    studio = Studio()
    with viewing(made, studio) as running:
        yield running, studio
    studio.close()


def test_physics_states_are_rendered_from_any_camera(rendering):
    rendering, _ = rendering
    name = _first(rendering, role="demo", family="grasp")
    views = rendering.get(f"/api/episodes/{name}")["views"]
    assert views == ["image", "robot", "orbit", "wrist", "drawing"]
    seen = []
    for view in (
        "robot",
        "wrist",
        "orbit?azimuth=0&elevation=-30&distance=0.9",
        "orbit?azimuth=90&elevation=-89&distance=1.2",
    ):
        mark = "&" if "?" in view else "?"
        status, headers, body = rendering.ask(
            f"/api/episodes/{name}/frames/{view}{mark}first=0&count=2"
        )
        assert (status, headers.get_content_type()) == (200, "image/jpeg"), body
        sheet = np.asarray(Image.open(io.BytesIO(body)), np.float64)
        assert sheet.shape == (PIXELS, 2 * PIXELS, 3)
        assert sheet.std() > 5
        seen.append(sheet)
    for i, one in enumerate(seen):
        assert all(np.abs(one - other).mean() > 3 for other in seen[:i])


def test_a_renderer_that_dies_is_started_again(rendering):
    rendering, studio = rendering
    name = _first(rendering, role="demo", family="grasp")
    path = f"/api/episodes/{name}/frames/robot?first=7&count=1"
    _, _, before = rendering.ask(path)
    studio._process.kill()
    studio._process.join()
    status, _, told = rendering.ask(path)
    assert status == 400 and "started again" in told["error"]
    assert rendering.ask(path)[2] == before


def test_without_opengl_the_drawing_is_there_and_the_reason_said(viewed):
    name = _first(viewed, role="demo")
    assert viewed.get(f"/api/episodes/{name}")["views"] == ["image", "drawing"]


def _wtl(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "wtl", "view", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_the_command_serves_until_it_is_interrupted(run):
    process = _wtl(run / "datasets" / "wtl_demos", "--port=0")
    try:
        said = process.stdout.readline()
        port = int(re.search(r"http://127\.0\.0\.1:(\d+)/", said)[1])
        assert "18 episodes" in said
        # The same port again, and what is no dataset.
        for arguments, because in (
            ((run, f"--port={port}"), "choose another with --port"),
            ((run / "config.gin", "--port=0"), "no dataset at"),
        ):
            again = _wtl(*arguments)
            out, err = again.communicate(timeout=120)
            assert again.returncode == 1 and out == ""
            assert because in err and len(err.strip().splitlines()) == 1, err
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0 and err == "", err
    finally:
        process.kill()
        process.communicate()
