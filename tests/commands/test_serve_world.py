"""`wtl serve_world`: what it serves, where, and how it ends."""

import re
import signal
import socket
import subprocess

import pytest

from tests import heeding
from wtl.collection.worlds.world import World
from wtl.commands import cli


def test_it_serves_a_world_until_ctrl_c():
    place = "tests.plain_module:POINT"
    process = subprocess.Popen(
        heeding.command("-m", "wtl", "serve_world", place, "--port=0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    address = re.search(r"served at (127\.0\.0\.1:\d+);", process.stdout.readline())[1]
    assert World.remote(address).name == "plain_point"
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "no longer served" in out and not error


@pytest.mark.parametrize(
    ("world", "said"),
    (
        ("tests.plain_module:POINT", "is taken|in use"),
        ("tests.plain_module:MISSING", "MISSING"),
        ("no_such_module:WORLD", "no_such_module"),
        ("reacher", "wtl.worlds.dm_env"),
        ("nowhere", "none of"),
    ),
)
def test_what_cannot_be_served_is_one_line(world, said, capfd):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(SystemExit, match="^1$"):
            cli.main(["serve_world", world, f"--port={taken.getsockname()[1]}"])
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert re.search(said, line)
