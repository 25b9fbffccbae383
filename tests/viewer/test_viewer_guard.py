"""The viewer's server against hostile and senseless requests."""

import pytest
import raw_request
from viewed import make_run, viewing


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("view") / "run")


@pytest.fixture(scope="module")
def viewed(made):
    """A viewer that nobody edits."""
    with viewing(made) as running:
        yield running


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
    found, _, told = viewed.ask(path.replace("ID", viewed.first(role="demo")))
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
    name = viewed.first(role="demo")
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
    body = body.replace(b"ID", viewed.first(role="demo").encode())
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
    told = raw_request.answer(viewed.port, request_)
    assert b" 200 " not in told.split(b"\r\n")[0]
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
