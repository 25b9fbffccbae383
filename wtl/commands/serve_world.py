"""`wtl serve_world`: a world for other processes and machines."""

import argparse

from wtl import notices
from wtl.commands import place
from wtl.commands.command import command, option, port
from wtl.datasets.contract.errors import UserError


@command(
    option("world", metavar="MODULE:WORLD", help="or the name of an installed world"),
    port(8767),
    option(
        "--host",
        default="127.0.0.1",
        help="address to listen on, by default this machine only; any other lets all "
        "that reach it use the environments",
    ),
)
def serve_world(options: argparse.Namespace) -> None:
    """Serve a world over dm_env_rpc."""
    with notices.loading(options.verbosity):
        from wtl.collection.worlds.remote import server
    world = place.world(options.world)
    if getattr(world, "plain", None) is None:
        raise UserError(
            f"{options.world} is no world of wtl.worlds.dm_env or wtl.worlds.gym, the "
            "only ones that can be served"
        )
    try:
        server.serve(server.ServedWorld(**world.plain), options.port, options.host)
    except OSError as error:
        raise UserError(
            f"{options.host}:{options.port} cannot be listened on: {error.strerror}; "
            "choose another --port or --host"
        ) from error
