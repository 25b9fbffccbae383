"""`wtl verify`: the check of a dataset or a published policy."""

import argparse
import os
import pathlib
import sys

from wtl.commands import error_line
from wtl.commands.command import command, option, path


@command(
    option(
        "path",
        type=path,
        metavar="RUN|DATASET",
        help="RUN for all its datasets, RUN/datasets/NAME[/VERSION], or a published "
        "policy",
    )
)
def verify(options: argparse.Namespace) -> int:
    """Check every episode of a dataset, or of all in a run."""
    of_run = sorted(pathlib.Path(options.path, "datasets").glob("*/"))
    return max(_verify(folder) for folder in of_run or [options.path])


def _verify(path: str | os.PathLike) -> int:
    """Print the problems of a dataset or policy; return the exit status."""
    from wtl.datasets.contract import fields
    from wtl.datasets.storage import verify

    problems = verify.verify(path)
    folder = error_line.printable(os.fspath(path))
    for problem in problems:
        print(error_line.printable(str(problem)))
    if problems:
        plural = "s" * (len(problems) > 1)
        print(f"wtl: {len(problems)} problem{plural} in {folder}", file=sys.stderr)
        return 1
    print(f"{folder} is intact")
    if pathlib.Path(path, fields.POLICY_FILE).exists():
        print("A policy is a program: load it only if you trust its origin.")
    return 0
