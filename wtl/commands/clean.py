"""`wtl clean`: disk space of what a rerun makes again."""

import argparse

from wtl.commands import error_line
from wtl.commands.command import command, option, path
from wtl.commands.runs import size
from wtl.datasets.contract.errors import UserError


@command(
    option("folder", type=path, metavar="DIR", help="RUN, or a folder of runs"),
    option("--yes", action="store_true", help="remove what is listed"),
)
def clean(options: argparse.Namespace) -> None:
    """List, and with --yes remove, what a rerun makes again: staged episodes."""
    from wtl.pipeline import cleaning, run_listing

    folders = run_listing.folders(options.folder)
    if not folders:
        raise UserError(f"{options.folder} is no run folder and holds none")
    total = 0
    for folder in folders:
        if run_listing.is_locked(folder):
            print(error_line.printable(f"{folder.path} is in use and left as it is"))
            continue
        for item in cleaning.removable(folder):
            count = run_listing.disk_use(item)
            total += count
            print(error_line.printable(f"{size(count):>9}  {item}"))
        if options.yes:
            cleaning.remove(folder)
    done = "removed" if options.yes else "can be removed: add --yes"
    print(f"{size(total)} {done}")
