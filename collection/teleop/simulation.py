"""Process in which the physics and the pictures of a session are made.

It knows browsers only through a pipe, and waits for none: a thread sends its messages
and keeps only the newest picture.
"""

import contextlib
import dataclasses
import functools
import threading
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any

from wtl.collection import worker
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.teleop.interface import Pictures
from wtl.collection.teleop.plan import Plan
from wtl.collection.teleop.policy_driver import PolicyDriver
from wtl.collection.teleop.session import Phase, Session
from wtl.collection.worlds import registry
from wtl.collection.worlds.world import World
from wtl.datasets.contract.camera import NO_CAMERA, CameraConfig
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.reading import reader
from wtl.datasets.storage.staging import StagingWriter

FRAMES_PER_SECOND = 25
_STATUS_SECONDS = 0.05  # at least between two reports


@dataclasses.dataclass(frozen=True)
class Assignment:
    """Configuration of a simulation.

    Attributes:
      world: name of the world.
      requests: the episodes to record.
      staging: folder for saved episodes.
      spec: of the episodes.
      size: number of objects in the scenes.
      camera: of the environments.
      speed: of the simulated clock relative to the wall clock.
      demonstrations: folder of the dataset of demonstrations that are shown to the
        operator; None if none are.
    """

    world: str
    requests: Sequence[EpisodeRequest]
    staging: str
    spec: EpisodeSpec
    size: int
    camera: CameraConfig = NO_CAMERA
    speed: float = 1.0
    demonstrations: str | None = None


@contextlib.contextmanager
def started(
    assignment: Assignment, policy: Connection | None = None
) -> Iterator[Connection]:
    """Yield the connection to a new process of `simulate`, which then ends."""
    ours, theirs = worker.CONTEXT.Pipe()
    process = worker.start(simulate, theirs, assignment, policy)
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        # It ends by itself when its pipe is closed, after the episode that it stores.
        process.join(timeout=3)
        process.kill()


def simulate(
    connection: Connection, assignment: Assignment, policy: Connection | None = None
):
    """Run a session until its operator quits or the other end hangs up.

    Messages that come in are pairs of a method of `Session`, or `audience`, and its
    arguments. Messages that go out are pairs of a kind (`status`, `picture`, `failed`,
    `ended`, or `done` with the status after each `Session.do`) and its content.

    The second connection is to the process of a policy that may act.
    """
    outbox = _Outbox(connection)
    spec = assignment.spec
    try:
        world = registry.get(assignment.world)
        with StagingWriter(assignment.staging, spec) as writer:
            session = Session(
                Plan(assignment.requests, writer.episode_ids),
                writer,
                world,
                assignment.camera,
                PolicyDriver(policy) if policy else None,
                functools.partial(_demonstration, assignment.demonstrations, world)
                if assignment.demonstrations
                else None,
            )
            session.speed = assignment.speed
            pictures = world.teleop.pictures(assignment.size)
            _Loop(connection, outbox, session, pictures).run()
        outbox.send("ended", session.status())
    except EOFError:
        return  # the other end has hung up
    except Exception as error:  # the other end raises it
        outbox.send("failed", " ".join(str(error).split()))
    finally:
        outbox.close()


def _demonstration(dataset_dir: str, world: World, episode_id: str) -> Sequence[Any]:
    found = reader.iterate_episodes(dataset_dir, episode_ids={episode_id})
    return world.teleop.demonstration(next(found))


@dataclasses.dataclass(eq=False)
class _Loop:
    """Makes steps, pictures and reports in time."""

    connection: Connection
    outbox: "_Outbox"
    session: Session
    pictures: Pictures
    audience: int = 0
    reported: dict | None = None

    def run(self):
        next_picture = next_status = 0.0
        while not self.session.ended:
            now = time.monotonic()
            self.session.tick(now)
            if now >= next_status:
                next_status = now + _STATUS_SECONDS
                self._report()
            if now >= next_picture:
                # A late picture is not made up for.
                next_picture = max(next_picture, now - 1 / FRAMES_PER_SECOND)
                next_picture += 1 / FRAMES_PER_SECOND
                if self.audience and self.session.phase is not Phase.COMPLETE:
                    picture = self.session.picture(self.pictures, time.monotonic)
                    self.outbox.send("picture", picture)
            self._listen(min(next_picture, next_status))

    def _listen(self, until: float):
        """Take one message, unless something is to be done first."""
        now = time.monotonic()
        if now < self.session.due < until:
            until = self.session.due
        if self.connection.poll(max(0.0, until - now)):
            method, arguments = self.connection.recv()
            if method == "audience":
                (self.audience,) = arguments
            else:
                getattr(self.session, method)(*arguments)
            if method == "do":
                self.reported = self.session.status()
                self.outbox.send("done", self.reported)

    def _report(self):
        status = self.session.status()
        if status != self.reported:
            self.reported = status
            self.outbox.send("status", status)


class _Outbox:
    """Sends messages in order, and of the pictures the newest."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._messages: list[tuple[str, Any]] = []
        self._news = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def send(self, kind: str, content):
        with self._news:
            if kind == "picture":
                self._messages = [m for m in self._messages if m[0] != kind]
            self._messages.append((kind, content))
            self._news.notify()

    def close(self):
        with self._news:
            self._closed = True
            self._news.notify()
        self._thread.join(timeout=5)

    def _run(self):
        try:
            while True:
                with self._news:
                    self._news.wait_for(lambda: self._messages or self._closed)
                    messages, self._messages = self._messages, []
                if not messages:
                    return
                for message in messages:
                    self._connection.send(message)
        except OSError:
            return  # the pipe is closed; the loop ends by it too
