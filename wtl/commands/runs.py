"""`wtl runs`: run folders, their states and results."""

import argparse
import sys

from wtl.commands import colour, error_line
from wtl.commands.command import command, option, path
from wtl.datasets.contract.errors import UserError

_STYLES = {"done": colour.GREEN, "running": colour.YELLOW, "stopped": colour.RED}


@command(
    option(
        "folder",
        type=path,
        nargs="?",
        default="runs",
        metavar="DIR",
        help="searched for run folders, by default runs",
    )
)
def runs(options: argparse.Namespace) -> None:
    """List run folders with state, results and disk use."""
    from wtl.pipeline import run_listing

    found = run_listing.find(options.folder)
    if not found:
        raise UserError(f"{options.folder} holds no run folder; `wtl run` makes one")
    width = max(len(error_line.printable(run.name)) for run in found)
    for run in found:
        state = colour.paint(
            f"{run.state:26}", _STYLES[run.state.partition(" ")[0]], sys.stdout
        )
        name = error_line.printable(run.name)
        line = f"{name:{width}}  {state}  {size(run.bytes):>9}  {run.results}"
        print(line.rstrip())


def size(count: int) -> str:
    """Return a number of bytes in words."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
