"""`wtl view`: datasets in the browser."""

import argparse

from wtl.commands.command import Command, Option, address


def _view(options: argparse.Namespace) -> None:
    from wtl.pipeline import view

    pending = view.view(options.path, options.host, options.port)
    if pending:
        print(
            f"{pending} edited episodes are not published; rerun the command to see "
            "them"
        )


COMMAND = Command(
    "view",
    "look at datasets in the browser, and edit them",
    _view,
    Option("path", metavar="DATASET", help="RUN, or RUN/datasets/NAME[/VERSION]"),
    *address(8766),
)
