"""`wtl teach`: the whole idea on one page."""

import argparse
import contextlib
import pathlib

from wtl.commands.command import HOST, TRUST, command, option, path, port
from wtl.commands.stage import open_run
from wtl.datasets.contract.errors import UserError


@command(
    option(
        "run_dir",
        nargs="?",
        type=path,
        metavar="RUN",
        help="folder of a run after `wtl run`; by default a small one of the package",
    ),
    option(
        "--out",
        type=path,
        metavar="DIR",
        help="folder of what visitors keep; by default RUN/teach, or runs/teach",
    ),
    port(8768),
    HOST,
    TRUST,
)
def teach(options: argparse.Namespace) -> None:
    """Demonstrate a task once in the browser, and see a robot try and retry it."""
    with contextlib.ExitStack() as stack:
        if options.run_dir is None:
            from wtl.teach import shipped

            options.run_dir = str(stack.enter_context(shipped.unpacked()))
            out = pathlib.Path(options.out or "runs/teach")
        else:
            out = pathlib.Path(options.out or pathlib.Path(options.run_dir, "teach"))
        config = pathlib.Path(options.run_dir, "config.gin")
        if not config.is_file():
            raise UserError(
                f"{options.run_dir} is no folder of a run: it has no config.gin; "
                "`wtl quickstart` makes one, and `wtl teach` alone takes that of the "
                "package"
            )
        options.gin_file, options.gin_bindings = str(config), []
        _, run = stack.enter_context(open_run(options))
        from wtl.pipeline import teach

        kept = teach.teach(run, out, options.host, options.port)
        if kept:
            print(f"{kept} episodes are kept; look at them: wtl view {out}")
