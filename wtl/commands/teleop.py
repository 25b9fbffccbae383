"""`wtl teleop`: demonstrations by hand."""

import argparse

from wtl.commands.command import HOST, RUN, command, port
from wtl.commands.stage import open_run


@command(*RUN, port(8765), HOST)
def teleop(options: argparse.Namespace) -> None:
    """Record demonstrations by hand, in the browser."""
    with open_run(options) as (stages, run):
        stages.teleop(run, options.host, options.port)
