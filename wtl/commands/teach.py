"""`wtl teach`: the whole idea on one page."""

import argparse
import pathlib

from wtl.commands.command import HOST, TRUST, command, option, path, port
from wtl.commands.stage import open_run
from wtl.datasets.contract.errors import UserError


@command(
    option("run_dir", type=path, metavar="RUN", help="folder of a run after `wtl run`"),
    option(
        "--out",
        type=path,
        metavar="DIR",
        help="folder of what visitors keep; by default RUN/teach",
    ),
    port(8768),
    HOST,
    TRUST,
)
def teach(options: argparse.Namespace) -> None:
    """Demonstrate a task once in the browser, and see a robot try and retry it."""
    config = pathlib.Path(options.run_dir, "config.gin")
    if not config.is_file():
        raise UserError(
            f"{options.run_dir} is no folder of a run: it has no config.gin; "
            "`wtl quickstart` makes runs/quickstart"
        )
    options.gin_file, options.gin_bindings = str(config), []
    with open_run(options) as (_, run):
        from wtl.pipeline import teach

        out = pathlib.Path(options.out or run.folder.path / "teach")
        kept = teach.teach(run, out, options.host, options.port)
        if kept:
            print(f"{kept} episodes are kept; look at them: wtl view {out}")
