"""The viewer's server against hostile and senseless requests."""

import contextlib
import http.client
import socket

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
        {"Sec_Fetch_Site": "same-origin", "Origin": "null"},
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
        (b'{"edits": NaN}', 400),
        (b'{"edits": {"ID": NaN}}', 400),
        (b'{"edits": {"ID": {"notes": NaN}}}', 400),
        (b'{"edits": {"\\ud800": {"invalid": true}}}', 404),
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


@pytest.mark.parametrize("name", [b"NaN", b"[]", b"{}", b"null", b"0", b'"\\u0000"'])
def test_what_is_no_dataset_is_not_published(viewed, name):
    status, _, told = viewed.ask("/api/publish", "POST", b'{"dataset": %s}' % name)
    assert status == 400 and "there is no dataset" in told["error"]


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


def test_nothing_is_served_without_the_token(viewed):
    port = viewed.port
    for path in ("/", "/?token=", "/?token=wrong", "/?token=%ff", "/page.js", "/x"):
        for cookie in ("", "wtl_1=x", f"wtl_{port}=", f"wtl_{port}=wrong\xff"):
            assert viewed.ask(path, Cookie=cookie)[0] == 403
    assert viewed.ask("/api/episodes", Cookie="")[0] == 403
    # A name that was pointed here has a cookie of its own.
    assert viewed.ask("/", Cookie="", Host="evil.example")[0] == 403


def test_the_token_of_the_address_becomes_a_cookie(viewed):
    connection = http.client.HTTPConnection("127.0.0.1", viewed.port, timeout=15)
    connection.request("GET", "/?" + viewed.address.partition("?")[2])
    with contextlib.closing(connection), connection.getresponse() as response:
        assert response.status == 303 and response.headers["Location"] == "./"
        kept, *how = response.headers["Set-Cookie"].split("; ")
    assert kept == viewed.cookie and set(how) == {"HttpOnly", "SameSite=Strict"}
    # Cookies of other servers on this machine, of whatever form, do not matter.
    others = f'a="{{; b=[1, 2]; wtl_1=x; {viewed.cookie}; c'
    assert viewed.ask("/api/library", Cookie=others)[0] == 200


def test_a_proxy_may_change_the_host(viewed):
    status, *_ = viewed.ask(
        "/api/edits",
        "PUT",
        {"edits": {}},
        Origin="https://hub.example",
        Sec_Fetch_Site="same-origin",
    )
    assert status == 200


def test_half_open_connections_block_no_others(viewed, capfd):
    half = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(400):
            raw = socket.create_connection(("127.0.0.1", viewed.port), timeout=15)
            stack.enter_context(raw).sendall(half)
        for _ in range(3):
            assert viewed.get("/api/library")
    assert capfd.readouterr().err == ""
