"""Requests and messages that no page sends: refused, and the servers go on."""

import json
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from served import session
from web_socket import Closed, WebSocket

from tests.viewer.viewed import make_run, viewing

_ODD = st.sampled_from(
    (
        *("NaN", "Infinity", "-1", "1e400", "99999999999999999999", "", "null"),
        *("../../etc/passwd", "%2e%2e%2f", "%00", "%ff", "\x1b[2J", "[", "__proto__"),
    )
) | st.text(st.characters(max_codepoint=255), max_size=12)
_PATHS = (
    *("/", "/page.js", "/controls.json", "/socket", "/api/library", "/api/episodes"),
    *("/api/episodes/{}", "/api/episodes/{}/frames/image", "/api/edits", "/{}"),
    *("/api/publish", "/api/statistics", "/api/{}"),
)
_NAMES = ("dataset", "sort", "family", "success", "first", "count", "offset", "limit")


@st.composite
def requests(draw) -> tuple[str, str, bytes]:
    """Method, target, and body of a request."""
    path = draw(st.sampled_from(_PATHS)).replace("{}", draw(_ODD))
    query = draw(st.lists(st.tuples(st.sampled_from(_NAMES), _ODD), max_size=3))
    target = path + "?" * bool(query) + "&".join(f"{n}={v}" for n, v in query)
    body = draw(
        st.binary(max_size=20)
        | st.dictionaries(st.sampled_from(("edits", "dataset")), _ODD).map(
            lambda tree: json.dumps(tree).encode()
        )
    )
    return draw(st.sampled_from(("GET", "HEAD", "PUT", "POST", "DELETE"))), target, body


def _answer(server, method: str, target: str, body: bytes) -> bytes:
    head = (
        f"{method} {target} HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        f"Cookie: {server.cookie}",
        f"Origin: http://127.0.0.1:{server.port}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
    )
    text = "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body
    told = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
        raw.sendall(text)
        while part := raw.recv(1 << 16):
            told += part
    return told


def _status(told: bytes) -> int:
    return int(told.split(None, 2)[1]) if told.startswith(b"HTTP/1.") else 0


@pytest.fixture(scope="module")
def viewer(tmp_path_factory):
    with viewing(make_run(tmp_path_factory.mktemp("viewed") / "run")) as viewed:
        yield viewed


@given(request_=requests())
def test_the_viewer_answers_anything(viewer, request_):
    status = _status(_answer(viewer, *request_))
    assert 200 <= status < 500 or status == 501, request_


@pytest.fixture(scope="module")
def teleop(tmp_path_factory):
    with session(tmp_path_factory.mktemp("teleop")) as running:
        yield running


@given(request_=requests())
def test_teleoperation_answers_anything(teleop, request_):
    status = _status(_answer(teleop, *request_))
    assert 100 <= status < 500 or status == 501, request_


_VALUES = st.none() | st.booleans() | st.floats() | st.integers() | _ODD
_MESSAGES = st.fixed_dictionaries(
    {"type": st.sampled_from(("drive", "do")) | _VALUES},
    optional={
        "verb": st.sampled_from(("claim", "redo", "discard", "show", "speed", "name"))
        | _VALUES,
        "value": _VALUES,
        "axes": st.lists(_VALUES, max_size=5),
        "latch": _VALUES,
        "goal": st.lists(_VALUES, max_size=3),
        "lead": st.lists(_VALUES, max_size=5),
        "seq": _VALUES,
        "wait": _VALUES,
    },
).map(json.dumps)


@given(messages=st.lists(_MESSAGES | st.text(max_size=20) | st.binary(max_size=20)))
def test_teleoperation_survives_any_message(teleop, messages):
    with WebSocket(
        teleop.socket, Origin=teleop.origin, Cookie=teleop.cookie
    ) as connection:
        for message in messages:
            try:
                connection.send(message)
            except Closed:
                break
    assert teleop.process.poll() is None
    assert _status(_answer(teleop, "GET", "/", b"")) == 200
