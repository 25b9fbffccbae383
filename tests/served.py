"""Teleoperation servers in processes of their own, for tests."""

import contextlib
import json
import pathlib
import re
import select
import subprocess
import sys
import time

import pytest

from wtl.collection import opengl
from wtl.datasets.contract import fields

ROOT = pathlib.Path(__file__).resolve().parents[1]
ORIGIN = "http://127.0.0.1:{port}"

# Imports neither TensorFlow nor the pipeline, and so starts soon.
_SERVE = """
import sys
sys.path[:0] = [{tests!r}, {teleop!r}, {root!r}]
from wtl.collection.teleop import server, simulation
from driven import SPEC, plan_items
if __name__ == "__main__":
    assignment = simulation.Assignment(
        "tabletop", plan_items(role={role!r}), sys.argv[1], SPEC, 3
    )
    server.run(assignment, sys.argv[2], int(sys.argv[3]))
"""


class Served:
    """A running server, of teleoperation by default.

    Attributes:
      process: it.
      url: its address, as printed.
      port: of it.
      cookie: the cookie of a browser that has opened the address.
      folder: where kept episodes are staged.
    """

    folder: pathlib.Path

    def __init__(
        self,
        process: subprocess.Popen,
        seconds: float = 90,
        words: str = "Teleoperation at",
    ):
        """Waits until the server says where it is, after these words."""
        self.process = process
        until = time.monotonic() + seconds
        said = ""
        while words not in said:
            ready, _, _ = select.select([process.stdout], [], [], 1)
            if ready:
                line = process.stdout.readline()
                said += line
                if not line:
                    break
            if time.monotonic() > until:
                break
        match = re.search(r"http://\S+:(\d+)/\S*", said)
        assert match, said
        self.url, self.port = match[0], int(match[1])
        self.cookie = f"wtl_{self.port}={self.url.partition('token=')[2]}"

    @property
    def socket(self) -> str:
        """Address of its socket."""
        return f"ws://127.0.0.1:{self.port}/socket"

    @property
    def origin(self) -> str:
        """Origin of its own page."""
        return ORIGIN.format(port=self.port)


def start(command: list[str]) -> subprocess.Popen:
    """Starts a process whose output can be read line by line."""
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@contextlib.contextmanager
def session(
    folder: pathlib.Path,
    host: str = "127.0.0.1",
    port: int = 0,
    role: str = fields.ROLE_DEMO,
):
    """Serves a few scenes, kept in `folder`/staged; skips the test without OpenGL."""
    try:
        opengl.find_renderer()
    except opengl.RendererNotFoundError as error:
        pytest.skip(str(error))
    script = folder / "serve.py"
    script.write_text(
        _SERVE.format(
            tests=str(ROOT / "tests"),
            teleop=str(ROOT / "tests" / "collection" / "teleop"),
            root=str(ROOT),
            role=role,
        )
    )
    process = start(
        [sys.executable, "-u", str(script), str(folder / "staged"), host, str(port)]
    )
    try:
        running = Served(process)
        running.folder = folder / "staged"
        yield running
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def status_of(connection, good=lambda status: True, seconds: float = 10) -> dict:
    """The next status from a socket that is as wanted."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        said = connection.recv(timeout=until - time.monotonic())
        if isinstance(said, str):
            status = json.loads(said)
            if good(status):
                return status
    raise TimeoutError("no such status")
