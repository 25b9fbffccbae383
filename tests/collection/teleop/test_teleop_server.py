"""The server against browsers that are slow, broken or hostile."""

import json
import os
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest
import raw_request
from served import session, status_of
from web_socket import Closed, WebSocket

from wtl.datasets.storage.staging import iterate_staged

EAST = {"type": "drive", "axes": [0.4, 0, 0, 0]}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with session(tmp_path_factory.mktemp("teleop")) as running:
        yield running


def browser(served) -> WebSocket:
    return WebSocket(served.socket, Origin=served.origin, Cookie=served.cookie)


def drive(connection, seconds: float) -> list[dict]:
    """Drives for a while; returns the status after each control step."""
    until = time.monotonic() + seconds
    reports = []
    while (now := time.monotonic()) < until:
        connection.send(json.dumps(EAST | {"seq": int(now * 1000) % 2**31}))
        while (left := now + 0.05 - time.monotonic()) > 0:
            try:
                said = connection.recv(timeout=left)
            except TimeoutError:
                break
            if isinstance(said, str):
                status = json.loads(said)
                if not reports or status["step"] != reports[-1]["step"]:
                    reports.append(status)
    return reports


_ON_TIME = 7.0  # Hz that any machine keeps up, unless the loop is held up


def best_rate(connection, attempts: int = 3) -> float:
    """Control rate of the best of some attempts: other processes disturb some."""
    rates = []
    while len(rates) < attempts and max(rates, default=0) <= _ON_TIME:
        do(connection, "redo")
        reports = drive(connection, 2.5)
        connection.send(json.dumps({"type": "drive"}))
        assert len(reports) > 8
        rates.append(reports[-1]["rate"])
    return max(rates)


def do(connection, verb: str, value=None):
    connection.send(json.dumps({"type": "do", "verb": verb, "value": value}))


@pytest.fixture
def driver(served):
    """A browser that drives, at the start of a scene."""
    with browser(served) as connection:
        status = status_of(connection, lambda status: status["driving"])
        if status["phase"] != "ready":
            do(connection, "redo")
            status_of(connection, lambda status: status["phase"] == "ready")
        yield connection


def get(served, path: str, **headers):
    headers = {"Cookie": served.cookie} | headers
    request = urllib.request.Request(f"{served.origin}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.status, dict(response.headers), response.read()


def test_the_page_and_its_parts_are_served_and_nothing_else(served):
    for path, kind in (
        ("/", "text/html"),
        ("/page.css", "text/css"),
        ("/base.css", "text/css"),
        ("/page.js", "text/javascript"),
        ("/devices.js", "text/javascript"),
        ("/controls.json", "application/json"),
    ):
        status, headers, body = get(served, path)
        assert status == 200 and body
        assert headers["Content-Type"].startswith(kind)
        assert "default-src 'none'" in headers["Content-Security-Policy"]
    for path in (
        "/server.py",
        "/../server.py",
        "/page/page.html",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/socket",
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(served, path)
        assert refused.value.code in (403, 404), path


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET //[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /?token=%ff%fe&token=[ HTTP/1.1\r\nHost: [::\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
    ],
)
def test_requests_that_make_no_sense_get_no_page(served, driver, request_):
    told = raw_request.answer(served.port, request_)
    assert b" 200 " not in told.split(b"\r\n")[0]
    assert len(drive(driver, 0.5)) > 2


@pytest.mark.parametrize(
    "origin", [None, "http://evil.example", "http://127.0.0.1:1", "null"]
)
def test_a_foreign_page_gets_no_socket(served, origin):
    with pytest.raises(urllib.error.HTTPError) as refused:
        WebSocket(served.socket, Origin=origin, Cookie=served.cookie)
    assert refused.value.code == 403


def test_the_one_who_drives_moves_the_world_on_time(driver):
    assert best_rate(driver) > _ON_TIME
    assert 0 < drive(driver, 1)[-1]["latency"] < 1.0


def test_a_watcher_sees_and_can_not_touch(served, driver):
    with browser(served) as watcher:
        status = status_of(watcher)
        assert not status["driving"] and status["driven"]
        for _ in range(5):
            watcher.send(json.dumps(EAST))
            do(watcher, "discard")
            do(watcher, "quit")
        time.sleep(0.5)
        drive(driver, 0.3)
        assert status_of(watcher, lambda s: s["step"] > 0)["phase"] == "acting"
        assert any(isinstance(watcher.recv(timeout=2), bytes) for _ in range(20))
        do(watcher, "claim")
        time.sleep(0.3)
        do(driver, "release")
        do(watcher, "claim")
        assert status_of(watcher, lambda s: s["driving"])
    # Who goes away makes room.
    do(driver, "claim")
    assert status_of(driver, lambda s: s["driving"])


def test_closing_while_a_key_is_held_lets_go(served, driver):
    driver.send(json.dumps(EAST))
    status_of(driver, lambda s: s["step"] > 0)
    # Torn off in the middle of a message, without a goodbye.
    torn = socket.socket(fileno=os.dup(driver.raw.fileno()))
    torn.sendall(b"\x81\xfe\x01")
    torn.shutdown(socket.SHUT_RDWR)
    torn.close()
    time.sleep(1)
    with browser(served) as connection:
        # The ghost has gone, so the next browser is the operator.
        step = status_of(connection, lambda s: s["driving"])["step"]
        time.sleep(1)
        connection.send(json.dumps(EAST))
        assert status_of(connection, lambda s: s["step"] > step)["step"] <= step + 8


def test_an_oversized_message_closes_its_sender_alone(served, driver):
    for size in (300, 5_000_000):
        with browser(served) as hostile, pytest.raises(Closed) as closed:
            hostile.send("[" + "0," * size + "0]")
            for _ in range(100):
                hostile.recv(timeout=5)
        # Of what is much too long, the connection is reset before it is read.
        assert closed.value.code == 1009 or size > 300
    assert len(drive(driver, 1)) > 2  # of ten; fewer come on busy machines


@pytest.mark.parametrize(
    "text",
    [
        b"\xff\xfe",
        "",
        "[[[[",
        "null",
        '{"type": "drive", "axes": [1e9, 0, 0, 0]}',
        '{"type": "drive", "axes": [NaN, 0, 0, 0]}',
        '{"type": "do", "verb": "name", "value": "../../etc"}',
        '{"type": "do", "verb": "__class__"}',
    ],
)
def test_what_is_malformed_does_nothing(driver, text):
    for _ in range(5):
        driver.send(text)
    time.sleep(0.2)
    driver.send(json.dumps(EAST))
    status = status_of(driver, lambda s: s["step"] > 0)
    assert status["operator"] == "anonymous" and status["step"] <= 3


def test_a_flood_is_cut_off_and_the_loop_keeps_time(served, driver):
    cut = []

    def flood():
        for _ in range(4):
            with browser(served) as hostile:
                try:
                    for i in range(5_000):
                        hostile.send(json.dumps(EAST | {"seq": i}))
                        time.sleep(0.0008)  # about a thousand a second
                except Closed:
                    cut.append(i)

    thread = threading.Thread(target=flood)
    thread.start()
    rate = best_rate(driver)
    thread.join(timeout=60)
    assert len(cut) == 4 and max(cut) < 4_000
    assert rate > _ON_TIME


def test_a_reader_that_never_reads_stalls_nobody(served, driver):
    slow = socket.create_connection(("127.0.0.1", served.port))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    slow.sendall(
        b"GET /socket HTTP/1.1\r\n"
        + f"Host: 127.0.0.1:{served.port}\r\nOrigin: {served.origin}\r\n".encode()
        + f"Cookie: {served.cookie}\r\n".encode()
        + b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Version: 13\r\n\r\n"
    )
    assert best_rate(driver) > _ON_TIME
    pictures, until = 0, time.monotonic() + 1
    while time.monotonic() < until:
        pictures += isinstance(driver.recv(timeout=1), bytes)
    assert pictures >= 15
    slow.close()


def test_too_many_browsers_are_turned_away(served, driver):
    crowd = []
    try:
        with pytest.raises(urllib.error.HTTPError) as refused:
            for _ in range(30):
                crowd.append(browser(served))
        assert refused.value.code == 503
    finally:
        for connection in crowd:
            connection.close()
    assert len(drive(driver, 1)) > 2  # of ten; fewer come on busy machines


def test_nothing_of_this_has_written_an_episode(served, driver):
    assert list(iterate_staged(served.folder)) == []
    assert served.process.poll() is None


def test_requests_without_the_token_are_refused(served):
    for path in ("/", "/?token=", "/?token=wrong", "/page.js", "/controls.json"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(served, path, Cookie="")
        assert refused.value.code == 403
    for cookie in (None, "wtl_1=x", f"wtl_{served.port}=wrong"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            WebSocket(served.socket, Origin=served.origin, Cookie=cookie)
        assert refused.value.code == 403


def test_of_many_requests_at_once_one_is_done(driver):
    """A flood of requests that replay the episode does not block others."""
    drive(driver, 1)
    driver.send(json.dumps({"type": "drive"}))
    began = time.monotonic()
    for _ in range(100):
        do(driver, "keep")
    status_of(driver, lambda status: status["refused"] and not status["busy"])
    do(driver, "redo")
    status_of(driver, lambda status: status["phase"] == "ready")
    assert time.monotonic() - began < 5
    assert len(drive(driver, 1)) > 3


def test_a_port_in_use_is_one_line(served, tmp_path):
    import subprocess
    import sys

    from served import ROOT

    script = tmp_path / "again.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from wtl.collection.worlds.entities.episode_spec import episode_spec\n"
        "from wtl.collection.teleop import server, simulation\n"
        "if __name__ == '__main__':\n"
        "    spec = episode_spec(3)\n"
        "    a = simulation.Assignment('tabletop', (), sys.argv[1], spec, 3)\n"
        "    server.run(a, port=int(sys.argv[2]))\n"
    )
    done = subprocess.run(
        [sys.executable, script, tmp_path / "staged", str(served.port)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "choose another with --port" in done.stderr.strip().splitlines()[-1]
