"""The server of a run without demonstrations by hand."""

import asyncio
import contextlib
import multiprocessing

import aiohttp
from taught import SUITE, taught

from wtl.collection import local_server
from wtl.collection.teleop.console import Console
from wtl.teach import server
from wtl.teach.films import Films


async def answers(console) -> tuple[dict, int, dict]:
    """The lesson, and the answer to a request to demonstrate by hand."""
    films = Films(SUITE.world, SUITE.layout, lambda name: SUITE.episode_spec(), None)
    served = server.TeachServer(taught().teacher, films, console, "nowhere")
    async with contextlib.AsyncExitStack() as stack:
        if console:
            await stack.enter_async_context(console.running())
            await asyncio.wait([console.ended])
        address = await stack.enter_async_context(
            local_server.listening(server.application(served), "127.0.0.1", 0)
        )
        page = address.partition("?")[0]
        client = await stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        )
        await client.get(address)
        lesson = await (await client.get(f"{page}api/lesson")).json()
        headers = {"Origin": page.rstrip("/")}
        asked = await client.post(f"{page}api/hand", json={"on": True}, headers=headers)
        return lesson, asked.status, await asked.json()


def test_a_machine_without_opengl_says_why():
    ours, theirs = multiprocessing.Pipe()
    theirs.send(("failed", "no OpenGL here"))
    lesson, status, said = asyncio.run(answers(Console(ours, "tabletop")))
    assert lesson["hand_missing"] == "no OpenGL here"
    assert lesson["demo"] and lesson["source"] == "robot"
    assert status == 400 and said["error"].endswith(
        "by hand are unavailable: no OpenGL here"
    )


def test_a_world_without_teleoperation_says_so():
    lesson, status, said = asyncio.run(answers(None))
    assert lesson["hand_missing"] == "this world is not teleoperated"
    assert status == 400 and "not teleoperated" in said["error"]
