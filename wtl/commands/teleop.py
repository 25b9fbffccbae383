"""`wtl teleop`: demonstrations by hand."""

import argparse

from wtl.commands.command import RUN, Command, address
from wtl.commands.opened_run import open_run


def _teleop(options: argparse.Namespace) -> None:
    with open_run(options) as (stages, run):
        stages.teleop(run, options.host, options.port)


COMMAND = Command(
    "teleop",
    "record demonstrations by hand, in the browser",
    _teleop,
    *RUN,
    *address(8765),
)
