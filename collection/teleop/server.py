"""Server of teleoperation: a page, a socket for each browser, and the simulation."""

import asyncio
import signal
from multiprocessing.connection import Connection

from wtl.collection import local_server
from wtl.collection.teleop import simulation
from wtl.collection.teleop.console import Console


def run(
    assignment: simulation.Assignment,
    host: str = "127.0.0.1",
    port: int = 8765,
    policy: Connection | None = None,
) -> dict:
    """Serve a session until its operator quits; return its last status.

    Port 0 takes a free one. The connection is to the process of a policy that may act.

    Raises:
      UserError: if the address is not available or the simulation fails.
      KeyboardInterrupt: if the process was asked to end.
    """
    with simulation.started(assignment, policy) as connection:
        return asyncio.run(_serve(connection, assignment.world, host, port))


async def _serve(connection: Connection, world: str, host: str, port: int) -> dict:
    async with Console(connection, world).running() as console:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, console.end, KeyboardInterrupt())
        # No browser is let in before there is something to see.
        either = (console.began, console.ended)
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if console.ended.done():
            return await console.ended
        app = local_server.application(__package__, console.routes, {})
        async with local_server.listening(app, host, port) as address:
            print(f"Teleoperation at {address}", flush=True)
            print("Ctrl-C ends it; saved episodes are safe.", flush=True)
            return await console.ended
