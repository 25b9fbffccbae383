"""`wtl view`: datasets in the browser."""

import argparse

from wtl.commands.command import HOST, command, option, path, port
from wtl.viewer import address


@command(
    option(
        "path",
        type=path,
        metavar="RUN|DATASET",
        help="RUN, or RUN/datasets/NAME[/VERSION]",
    ),
    port(address.PORT),
    HOST,
)
def view(options: argparse.Namespace) -> None:
    """Look at datasets in the browser, and edit them."""
    from wtl.pipeline import view

    pending = view.view(options.path, options.host, options.port)
    if pending:
        print(
            f"{pending} edited episodes are not published; rerun the command to see "
            "them"
        )
