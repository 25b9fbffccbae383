"""Server of teaching: a page, a teacher, films, and the console of a simulation."""

import asyncio
import contextlib
import json
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from wtl.collection import local_server
from wtl.collection.teleop.console import Console
from wtl.datasets.contract.errors import UserError
from wtl.datasets.storage import staging
from wtl.datasets.storage.staging import StagingError
from wtl.teach.films import Films
from wtl.teach.teacher import HAND, Teacher

# Of `teleop.messages`: a lesson knows one scene, which it chooses.
VERBS = ("claim", "release", "keep", "redo", "override", "speed")
_STATUS = {StagingError: 507, UserError: 400}


class TeachServer:
    """Answers the page; what the visitor asks for is done one at a time."""

    def __init__(
        self, teacher: Teacher, films: Films, console: Console | None, by_hand: str
    ):
        """Serve a teacher.

        Args:
          teacher: teaches.
          films: of its episodes.
          console: of the simulation in which visitors demonstrate; None where they
            can't.
          by_hand: folder in which that simulation stages what they demonstrate.
        """
        self._teacher = teacher
        self._films = films
        self._console = console
        self._by_hand = by_hand
        self._asked: str | None = None  # id of the demonstration by hand
        self._working = asyncio.Lock()
        self._lesson = teacher.json

    @property
    def routes(self) -> list[web.RouteDef]:
        """Paths and methods."""
        teacher = self._teacher
        work = {
            "lesson": lambda given: self._begin(_text(given, "family")),
            "demo": lambda given: self._show(_text(given, "source")),
            "try": lambda given: teacher.attempt(_flag(given, "new_scene")),
            "judge": lambda given: teacher.judge(_flag(given, "success")),
            "keep": lambda _: teacher.keep(),
        }
        return [
            web.get("/api/lesson", self._send),
            web.get("/api/episodes/{id}", self._send_film),
            *(web.post(f"/api/{name}", self._doing(do)) for name, do in work.items()),
            web.post("/api/hand", self._demonstrate),
            *(self._console.routes if self._console else ()),
        ]

    def _doing(
        self, do: Callable[[dict[str, Any]], None]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Return the handler of a request that takes time."""

        async def answer(request: web.Request) -> web.Response:
            given = await _body(request)
            async with self._working:
                asked = self._asked
                await asyncio.to_thread(do, given)
                self._lesson = self._teacher.json
                if asked and not self._asked:
                    self._console.send("record")  # nothing any more
            return await self._send(request)

        return answer

    async def _send(self, _: web.Request) -> web.Response:
        by_hand = {"hand": self._asked is not None, "hand_missing": self._missing}
        return web.json_response(self._lesson | by_hand)

    async def _send_film(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if name not in self._teacher.episodes:
            raise web.HTTPNotFound(text="there is no such episode in this lesson")
        episode, dataset = self._teacher.episodes[name]
        body, kind = await asyncio.to_thread(self._films.make, episode, dataset)
        count = str(len(self._films.frames(episode)))
        headers = {"X-Frames": count}
        return web.Response(body=body, content_type=kind, headers=headers)

    async def warm_up(self):
        """See `Teacher.warm_up`; requests wait for it."""
        async with self._working:
            await asyncio.to_thread(self._teacher.warm_up)

    # --- Demonstrations by hand.

    @property
    def _missing(self) -> str:
        """Reason why demonstrations by hand are unavailable, or empty."""
        if self._console is None:
            return self._teacher.missing or "this world is not teleoperated"
        ended = self._console.ended
        return str(ended.exception() or "it has ended") if ended.done() else ""

    async def _demonstrate(self, request: web.Request) -> web.Response:
        """Open the scene of the lesson to the visitor, or close it."""
        on = _flag(await _body(request), "on")
        if self._missing:
            raise UserError(f"demonstrations by hand are unavailable: {self._missing}")
        async with self._working:
            requests = (self._teacher.request_by_hand(),) if on else ()
            self._asked = requests[0].episode_id if on else None
            self._console.send("record", *requests)
        return await self._send(request)

    def _begin(self, family: str):
        self._teacher.begin(family)
        self._asked = None

    def _show(self, source: str):
        if source != HAND:
            self._teacher.show(source)
            self._asked = None
            return
        found = ()
        if self._asked and staging.is_staging(self._by_hand):
            found = tuple(staging.iterate_staged(self._by_hand, {self._asked}))
        if not found:
            raise UserError("nothing is demonstrated by hand yet")
        self._teacher.take(*found)
        self._asked = None


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        given = json.loads(await request.text())
    except (ValueError, LookupError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise UserError("a request is a JSON object")
    return given


def _text(given: dict, name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        raise UserError(f"{name} is a text")
    return value


def _flag(given: dict, name: str) -> bool:
    value = given.get(name, False)
    if type(value) is not bool:
        raise UserError(f"{name} is true or false")
    return value


def application(server: TeachServer) -> web.Application:
    """Return the application."""
    console = "wtl.collection.teleop"
    return local_server.application(__package__, server.routes, _STATUS, console)


async def serve(server: TeachServer, console: Console | None, host: str, port: int):
    """Serve until interrupted; port 0 takes a free one.

    Raises:
      UserError: if the address is not available.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        if console:
            await stack.enter_async_context(console.running())
        app = application(server)
        address = await stack.enter_async_context(
            local_server.listening(app, host, port)
        )
        print(f"Teach at {address}", flush=True)
        print("Ctrl-C ends it; what you kept is safe.", flush=True)
        warming = asyncio.create_task(server.warm_up())
        await stop.wait()
        await warming
