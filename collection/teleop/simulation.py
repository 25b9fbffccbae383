"""Process in which the physics and the pictures of a session are made.

It knows browsers only through a pipe, and waits for none: a thread sends its messages
and keeps only the newest picture.
"""

import collections
import dataclasses
import threading
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection

import numpy as np

from wtl.collection import vector_environment
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.teleop.interface import Pictures
from wtl.collection.teleop.plan import Plan
from wtl.collection.teleop.policy_driver import RemotePolicyDriver
from wtl.collection.teleop.session import Phase, Session
from wtl.collection.worlds import registry
from wtl.datasets.contract.camera import CameraConfig
from wtl.datasets.contract.episode import EpisodeSpec
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
      speed: of the simulated clock relative to the wall clock.
      demonstrations: [T, P] physics states of demonstrations that are shown to the
        operator, by id.
    """

    world: str
    requests: Sequence[EpisodeRequest]
    staging: str
    spec: EpisodeSpec
    size: int
    speed: float = 1.0
    demonstrations: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)


def simulate(
    connection: Connection, assignment: Assignment, policy: Connection | None = None
):
    """Run a session until its operator quits or the other end hangs up.

    Messages that come in are pairs of a method of `Session`, or `audience`, and its
    arguments. Messages that go out are pairs of a kind (`status`, `picture`, `failed`,
    `ended`) and its content.

    Args:
      connection: to the server.
      assignment: the configuration.
      policy: to the process of a policy that may act.
    """
    vector_environment.begin_worker()
    outbox = _Outbox(connection)
    spec = assignment.spec
    try:
        world = registry.get(assignment.world)
        with StagingWriter(assignment.staging, spec) as writer:
            session = Session(
                Plan(assignment.requests, writer.episode_ids),
                writer,
                world,
                CameraConfig(spec.image_pixels, wrist=spec.wrist_image),
                RemotePolicyDriver(policy) if policy else None,
                assignment.demonstrations,
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


class _Loop:
    """Makes steps, pictures and reports in time."""

    def __init__(
        self,
        connection: Connection,
        outbox: "_Outbox",
        session: Session,
        pictures: Pictures,
    ):
        self._connection = connection
        self._outbox = outbox
        self._session = session
        self._pictures = pictures
        self._audience = 0
        self._reported = None

    def run(self):
        session = self._session
        next_picture = next_status = 0.0
        while not session.ended:
            now = time.monotonic()
            session.tick(now)
            if now >= next_status:
                next_status = now + _STATUS_SECONDS
                self._report()
            if now >= next_picture:
                # A late picture is not made up for.
                next_picture = max(next_picture, now - 1 / FRAMES_PER_SECOND)
                next_picture += 1 / FRAMES_PER_SECOND
                self._show()
            self._listen(min(next_picture, next_status))

    def _listen(self, until: float):
        """Take one message, unless something is to be done first."""
        now = time.monotonic()
        if now < self._session.due < until:
            until = self._session.due
        if self._connection.poll(max(0.0, until - now)):
            method, arguments = self._connection.recv()
            if method == "audience":
                (self._audience,) = arguments
            else:
                getattr(self._session, method)(*arguments)

    def _report(self):
        status = self._session.status()
        if status != self._reported:
            self._reported = status
            self._outbox.send("status", status)

    def _show(self):
        session = self._session
        if not self._audience or session.phase is Phase.COMPLETE:
            return
        data = session.state(time.monotonic())
        image = self._pictures.make(session.physics, data, session.target)
        seq = session.seen(time.monotonic())
        self._outbox.show(seq.to_bytes(4, "little") + image)


class _Outbox:
    """Sends messages in order, and of the pictures the newest."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._messages = collections.deque()
        self._picture = None
        self._news = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def send(self, kind: str, content):
        with self._news:
            self._messages.append((kind, content))
            self._news.notify()

    def show(self, image: bytes):
        with self._news:
            self._picture = image
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
                    while not (self._messages or self._picture or self._closed):
                        self._news.wait()
                    messages = list(self._messages)
                    self._messages.clear()
                    if self._picture:
                        messages.append(("picture", self._picture))
                        self._picture = None
                    elif not messages:
                        return
                for message in messages:
                    self._connection.send(message)
        except OSError:
            return  # nobody listens any more; the loop learns it too
