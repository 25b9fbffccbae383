"""`wtl serve`: openpi's client, over a socket, against trained policies."""

import contextlib
import http.client
import os
import re
import signal
import socket
import threading
import time

import msgpack
import numpy as np
import pytest
import websockets

import wtl
from tests.serving.policy_servers import (
    arm_episode,
    connect,
    running,
    save_chunked,
    sent,
)
from wtl.commands import cli
from wtl.datasets.contract.errors import UserError
from wtl.serving import context_episode, message, server, session

pytestmark = pytest.mark.slow  # test_serving_examples.py is the short test
action_chunk_broker = pytest.importorskip("openpi_client.action_chunk_broker")
msgpack_numpy = pytest.importorskip("openpi_client.msgpack_numpy")


@pytest.fixture(scope="module")
def policy(finished_run):
    return wtl.load_policy(finished_run / "policies" / "wtl")


@pytest.fixture(scope="module")
def episodes(finished_run):
    """Demonstrations and trials of the run, both of several tasks."""
    datasets = finished_run / "datasets"
    trials = wtl.load_dataset(datasets / "wtl_trials")
    return wtl.load_dataset(datasets / "wtl_demos"), trials


@pytest.fixture(scope="module")
def served(policy, finished_run):
    with running(policy, finished_run, name="wtl") as found:
        yield found


def _actions(client, states) -> np.ndarray:
    return np.concatenate([client.infer({"state": s})["actions"] for s in states])


def _local(policy, demo, trial, states) -> np.ndarray:
    policy = policy.clone()
    policy.reset(demos=[demo], trials=[trial])
    return np.stack([policy.act({"state": state}) for state in states])


def test_it_acts_as_the_policy_does_here_given_what_was_uploaded(
    served, policy, episodes
):
    demos, trials = episodes
    client = connect(served.port)
    assert client.get_server_metadata() == {"name": "wtl"}
    with pytest.raises(RuntimeError, match="takes demos and trials: send them"):
        client.infer({"state": trials[0].steps["state"][0]})
    reply = client.infer({"endpoint": "context", "demos": [sent(demos[0], "state")]})
    assert reply["ready"] is False
    given = [sent(trials[0], "state")]
    reply = client.infer({"endpoint": "context", "trials": given})
    assert (reply["demos"], reply["trials"], reply["ready"]) == (1, 1, True)
    states = trials[0].steps["state"][:8]
    local = _local(policy, demos[0], trials[0], states)
    assert np.std(local, axis=0).max() > 0
    np.testing.assert_array_equal(_actions(client, states), local)
    # The same context, in a new episode.
    assert client.infer({"endpoint": "reset"})["ready"]
    explicit = {"endpoint": "act", "observation": {"state": states[0]}}
    reply = client.infer(explicit)
    np.testing.assert_array_equal(reply["actions"], local[:1])
    assert 0 < reply["server_timing"]["infer_ms"] < 10_000
    assert reply["server_timing"]["prev_total_ms"] > 0


def test_two_clients_have_contexts_and_episodes_of_their_own(served, policy, episodes):
    demos, trials = episodes
    clients, found, wanted = [], ([], []), []
    for i in range(2):
        clients.append(connect(served.port))
        names = {"demos": [demos[-i].id], "trials": [trials[-i].id]}
        clients[i].infer({"endpoint": "context", **names})
        wanted.append(_local(policy, demos[-i], trials[-i], trials[i].steps["state"]))
    for step in range(5):
        for i, client in enumerate(clients):
            found[i].append(_actions(client, trials[i].steps["state"][step : step + 1]))
    for i in range(2):
        np.testing.assert_array_equal(np.concatenate(found[i]), wanted[i][:5])
    assert not np.array_equal(wanted[0][:5], wanted[1][:5])


def test_images_of_a_plain_world_in_chunks(tmp_path):
    save_chunked(tmp_path)
    policy = wtl.load_policy(tmp_path)
    session.rehearse(policy)
    demo, seen = arm_episode(9, seed=0), arm_episode(6, seed=1)["observation"]
    observed = [
        {"arm": {"joints": joints}, "camera": camera}
        for joints, camera in zip(seen["arm"]["joints"], seen["camera"], strict=True)
    ]
    with running(policy) as served:
        client = connect(served.port)
        client.infer({"endpoint": "context", "demos": [demo]})
        chunk = client.infer(observed[0])["actions"]
        assert chunk.shape == (2, 2) and np.abs(chunk).max() > 1  # degrees
        client.infer({"endpoint": "reset"})
        broker = action_chunk_broker.ActionChunkBroker(client, action_horizon=2)
        found = [broker.infer(each)["actions"] for each in observed[:6]]
        with pytest.raises(RuntimeError, match="'camera' is not of images"):
            demo["observation"]["camera"] = demo["observation"]["camera"][..., 0]
            client.infer({"endpoint": "context", "demos": [demo]})
        with pytest.raises(RuntimeError, match="'camera' is float64.*no image"):
            client.infer(observed[0] | {"camera": observed[0]["camera"] / 255})
    given = arm_episode(9, seed=0)
    local = policy.clone()
    inputs = local.context_inputs
    local.reset(context_episode.read([given], "demo", inputs, True, {}))
    for step, action in enumerate(found):
        flat = {"arm/joints": observed[step]["arm"]["joints"]}
        flat["camera"] = observed[step]["camera"]
        np.testing.assert_array_equal(local.act(flat), action)


_ARRAY = {b"__ndarray__": True, b"data": bytes(8), b"dtype": "<f8", b"shape": [1]}
_DEEP = b"\x91" * 5000
_MISTAKES = {
    "no msgpack": (b"\xc1", "no msgpack"),
    "cut off": (msgpack.packb({"state": bytes(99)})[:50], "no msgpack"),
    "no map": (msgpack.packb([1]), "a message is a map"),
    "keys of bytes": (msgpack.packb({b"state": 1}), "a message is a map"),
    "an extension": (msgpack.packb({"s": msgpack.ExtType(4, b"x")}), "no msgpack"),
    "objects": ({"state": _ARRAY | {b"dtype": "|O"}}, "numbers or flags, not '|O'"),
    "records": ({"state": _ARRAY | {b"dtype": "<f4,<f4"}}, "numbers or flags"),
    "texts": ({"state": _ARRAY | {b"dtype": "<U2"}}, "numbers or flags"),
    "no type": ({"state": {b"__ndarray__": True}}, "numbers or flags, not None"),
    "too little": ({"state": _ARRAY | {b"shape": [2]}}, "do not fit"),
    "a negative size": ({"state": _ARRAY | {b"shape": [-1]}}, "whole numbers"),
    "an endless array": ({"state": _ARRAY | {b"shape": [2**62, 4]}}, "do not fit"),
    "a scalar": ({"s": {b"__npgeneric__": 1, b"data": "", b"dtype": "<f4"}}, "no num"),
    "deep": (_DEEP, "no msgpack"),
    "many lists": ({"state": [[[]] * 4000] * 30}, "more than 100000 items"),
    "a long list": ({"state": list(range(5000))}, "no msgpack"),
    "no observation": ({}, "not given: state"),
    "another name": ({"stat": [0.0]}, "not given: state; given: stat"),
    "an empty act": ({"endpoint": "act"}, "takes an observation"),
    "no numbers": ({"state": "left"}, "not of finite numbers"),
    "not finite": ({"state": np.full(88, np.nan)}, "not of finite numbers"),
    "too short": ({"state": np.zeros(3)}, "has 3 numbers; the policy takes 88"),
    "no endpoint": ({"endpoint": "quit"}, "none of act, context, reset"),
    "a field too many": ({"endpoint": "reset", "x": 1}, "takes no fields, not 'x'"),
    "a private one": ({"endpoint": "_begin"}, "none of act"),
    "no such id": ({"endpoint": "context", "demos": ["../x"]}, "no dataset of the run"),
    "no list": ({"endpoint": "context", "demos": "x"}, "lists of episodes"),
    "no episode": ({"endpoint": "context", "demos": [{}]}, "an id, or a map with"),
    "no success": (
        {"endpoint": "context", "trials": [{"observation": {"state": [[0.0]]}}]},
        "success must be",
    ),
    "no action": (
        {"endpoint": "context", "demos": [{"observation": {"state": [[0.0]] * 3}}]},
        "action is no array",
    ),
    "other sizes": (
        {
            "endpoint": "context",
            "demos": [{"observation": {"state": [[0.0]] * 3}, "action": [[0.0]] * 2}],
        },
        "has 1 numbers of 'state'",
    ),
    "ragged": (
        {"endpoint": "context", "demos": [{"observation": {"state": [[0], []]}}]},
        "no array of numbers",
    ),
}


@pytest.fixture(scope="module")
def misused(served, episodes):
    """Socket of a client that has a context, and its next action."""
    demos, trials = episodes
    names = {"demos": [demos[0].id], "trials": [trials[0].id]}
    with websockets.sync.client.connect(f"ws://127.0.0.1:{served.port}") as client:
        client.recv()
        client.send(msgpack_numpy.packb({"endpoint": "context", **names}))
        client.recv()
        yield client


@pytest.mark.parametrize("mistake", _MISTAKES)
def test_a_mistake_is_a_line_of_text_after_which_the_client_goes_on(
    misused, mistake, episodes
):
    given, said = _MISTAKES[mistake]
    misused.send(given if isinstance(given, bytes) else msgpack_numpy.packb(given))
    reply = misused.recv(timeout=30)
    assert isinstance(reply, str) and said in reply and "\n" not in reply, reply
    state = episodes[1][0].steps["state"][0]
    misused.send(msgpack_numpy.packb({"state": state}))
    assert "actions" in msgpack_numpy.unpackb(misused.recv(timeout=30))


def test_texts_and_messages_that_are_too_large(policy, monkeypatch):
    monkeypatch.setattr(message, "MAX_BYTES", 1 << 16)
    with running(policy) as served:
        address = f"ws://127.0.0.1:{served.port}"
        with websockets.sync.client.connect(address) as client:
            client.recv()
            client.send("hello")
            assert "binary" in client.recv(timeout=30)
            with pytest.raises(websockets.ConnectionClosedError) as closed:
                client.send(bytes(1 << 17))
                client.recv(timeout=30)
            assert closed.value.rcvd.code == 1009  # message too big
        assert connect(served.port).get_server_metadata() == {}


def test_numbers_of_all_types_arrive_as_they_were():
    for dtype in ("?", "i1", "u2", "i8", "f2", "<f4", ">f8"):
        for array in (np.ones((2, 0, 3), dtype), np.arange(6).astype(dtype)):
            found = message.unpack(msgpack_numpy.packb({"a": array}))["a"]
            np.testing.assert_array_equal(found, array)
            assert found.dtype == array.dtype
            back = msgpack_numpy.unpackb(message.pack({"a": array}))["a"]
            np.testing.assert_array_equal(back, array)
    scalars = {"a": np.float32(0.5), "b": np.int64(-3), "c": np.bool_(True)}
    assert message.unpack(msgpack_numpy.packb(scalars)) == scalars


def _refusal(port: int, **headers) -> int:
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        websockets.sync.client.connect(
            f"ws://127.0.0.1:{port}", additional_headers=headers
        )
    return refused.value.response.status_code


def test_clients_elsewhere_need_the_token(policy):
    token = server.token_for("0.0.0.0")
    assert len(token) >= 16 and token != server.token_for("0.0.0.0")
    with running(policy, token=token) as served:
        assert _refusal(served.port) == 401
        assert _refusal(served.port, Authorization="Api-Key wrong") == 401
        assert _refusal(served.port, Authorization="Api-Key \u00e9") == 401
        assert connect(served.port, api_key=token).get_server_metadata() == {}
        assert _get(served.port, "/healthz") == (200, "OK\n")


def _get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    reply = connection.getresponse()
    return reply.status, reply.read().decode()


def test_a_token_of_ones_own_is_long_and_this_machine_needs_none(monkeypatch):
    monkeypatch.setenv("WTL_TOKEN", "a token that is long")
    assert server.token_for("192.0.2.1") == "a token that is long"
    assert server.token_for("::1") == server.token_for("localhost") == ""
    monkeypatch.setenv("WTL_TOKEN", "short")
    with pytest.raises(UserError, match="WTL_TOKEN must have 16"):
        server.token_for("robot.example")


def test_pages_of_browsers_and_one_client_too_many_are_refused(served, monkeypatch):
    assert _refusal(served.port, Origin="https://example.org") == 403
    status, said = _get(served.port, "/")
    assert status == 426 and "websocket" in said
    monkeypatch.setattr(server, "_MAX_CLIENTS", 0)
    assert _refusal(served.port) == 503


@contextlib.contextmanager
def _interrupting(port: int, answers: list):
    """Ask for an action once a server listens, then interrupt this process."""

    def ask():
        try:
            for _ in range(600):
                with contextlib.suppress(ConnectionRefusedError):
                    client = connect(port)
                    answers.append(client.get_server_metadata())
                    shape = answers[0]["observations"]["state"]
                    answers.append(client.infer({"state": np.zeros(shape)}))
                    break
                time.sleep(0.1)
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=ask)
    thread.start()
    yield
    thread.join()


def test_the_command_serves_until_interrupted_and_reports(finished_run, capfd):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    answers = []
    with (
        _interrupting(port, answers),
        pytest.raises(SystemExit, match="^0$"),
    ):
        cli.main(["serve", str(finished_run), "--policy=bc", f"--port={port}"])
    described, reply = answers
    assert described["world"] == "tabletop" and not described["takes_demos"]
    assert described["action_horizon"] == 1 and described["control_hz"] == 10
    assert described["action_low"] == [-1] * 5
    assert reply["actions"].shape == (1, 5)
    out, error = capfd.readouterr()
    assert f"Policy at ws://127.0.0.1:{port}\n" in out and "token" not in out
    assert "first act           1" in out and not error


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("RUN", "--policy=bcc"), "no policy 'bcc'; it has bc, mil, wtl.*'bc'"),
        (("RUN/datasets",), "has no trained policy"),
        (("RUN", "--policy=bc", "--port=PORT"), "can't listen on .* --port"),
        (("RUN", "--policy=bc", "--host="), "--host is empty"),
    ],
)
def test_what_cannot_be_served_is_one_line(finished_run, given, said, capfd):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        given = [
            each.replace("RUN", str(finished_run)).replace("PORT", port)
            for each in given
        ]
        with pytest.raises(SystemExit, match="^1$"):
            cli.main(["serve", *given])
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert re.search(said, line), line
