"""The process in which a session's physics and pictures are made.

It knows of browsers only what comes through a pipe, and never waits for anybody: what
it has to say goes through a thread that keeps the newest picture alone.
"""

import collections
import dataclasses
import threading
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection

import numpy as np

from wtl.collection import vector_environment
from wtl.collection.teleop import picture
from wtl.collection.teleop.pilot import RemotePilot
from wtl.collection.teleop.plan import Item, Plan
from wtl.collection.teleop.session import Phase, Session
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.storage.staging import StagingWriter

FRAMES_PER_SECOND = 25
_STATUS_SECONDS = 0.05  # at least between two reports


@dataclasses.dataclass(frozen=True)
class Assignment:
    """What a simulation needs to begin.

    Attributes:
      items: everything that is to be recorded.
      staging: folder for kept episodes.
      spec: of the episodes.
      size: number of objects in the scenes.
      speed: of the simulated clock relative to that of the wall.
      films: [T, P] physics states of demonstrations that are shown to the operator,
        by id.
    """

    items: Sequence[Item]
    staging: str
    spec: EpisodeSpec
    size: int
    speed: float = 1.0
    films: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)


def simulate(
    connection: Connection, assignment: Assignment, policy: Connection | None = None
):
    """Runs a session until its operator quits or the other end hangs up.

    Args:
      connection: to the server.
      assignment: what is to be recorded.
      policy: to the process of a policy that may drive.

    What comes in are pairs of a method of `_Loop` and its arguments; what goes out are
    pairs of a kind (`status`, `picture`, `failed`, `ended`) and what belongs to it.
    """
    vector_environment.begin_worker()
    outbox = _Outbox(connection)
    try:
        with StagingWriter(assignment.staging, assignment.spec) as writer:
            plan = Plan(assignment.items, writer.episode_ids)
            session = Session(
                plan,
                writer,
                assignment.spec.image_pixels,
                picture.WIDE.place,
                RemotePilot(policy) if policy else None,
                assignment.films,
                assignment.spec.wrist_image,
            )
            session.speed = assignment.speed
            pictures = picture.Picture(assignment.size)
            _Loop(connection, outbox, session, pictures).run()
        outbox.say("ended", session.status())
    except EOFError:
        return  # the other end has hung up
    except Exception as error:  # the other end raises it
        outbox.say("failed", " ".join(str(error).split()))
    finally:
        outbox.close()


class _Loop:
    """Steps, pictures and reports in time."""

    def __init__(
        self,
        connection: Connection,
        outbox: "_Outbox",
        session: Session,
        pictures: picture.Picture,
    ):
        self._connection = connection
        self._outbox = outbox
        self._session = session
        self._pictures = pictures
        self._audience = 0
        self._told = None

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
        """Takes what comes in, until something is to be done."""
        now = time.monotonic()
        if now < self._session.due < until:
            until = self._session.due
        if self._connection.poll(max(0.0, until - now)):
            method, arguments = self._connection.recv()
            getattr(self, method)(*arguments)

    def drive(self, command, received: float, seq: int, rtt: float):
        self._session.drive(command, received, seq, rtt)

    def let_go(self):
        self._session.let_go()

    def do(self, verb: str, value):
        self._session.do(verb, value)

    def audience(self, count: int):
        self._audience = count

    def _report(self):
        status = self._session.status()
        if status != self._told:
            self._told = status
            self._outbox.say("status", status)

    def _show(self):
        session = self._session
        if not self._audience or session.phase is Phase.COMPLETE:
            return
        compiled, data = session.scene(time.monotonic())
        # Who tries is told by the demonstration alone what the target is.
        target = session.target if session.tells_target else None
        image = self._pictures.make(compiled, data, session.tip, target)
        seq = session.seen(time.monotonic())
        self._outbox.show(seq.to_bytes(4, "little") + image)


class _Outbox:
    """Sends what is said in order, and of the pictures the newest."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._said = collections.deque()
        self._picture = None
        self._news = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def say(self, kind: str, content):
        with self._news:
            self._said.append((kind, content))
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

    def _send(self):
        try:
            while True:
                with self._news:
                    while not (self._said or self._picture or self._closed):
                        self._news.wait()
                    parts = list(self._said)
                    self._said.clear()
                    if self._picture:
                        parts.append(("picture", self._picture))
                        self._picture = None
                    elif not parts:
                        return
                for part in parts:
                    self._connection.send(part)
        except OSError:
            return  # nobody listens any more; the loop learns it too
