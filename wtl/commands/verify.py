"""`wtl verify`: the check of a dataset or a published policy."""

import argparse
import pathlib
import sys

from wtl.commands import error_line
from wtl.commands.command import command, option, path


@command(option("dataset_dir", type=path, help="RUN/datasets/NAME[/VERSION]"))
def verify(options: argparse.Namespace) -> int:
    """Check a dataset's every episode."""
    from wtl.datasets.contract import fields
    from wtl.datasets.storage import verify

    problems = verify.verify(options.dataset_dir)
    folder = error_line.printable(options.dataset_dir)
    for problem in problems:
        print(error_line.printable(str(problem)))
    if problems:
        print(f"wtl: {len(problems)} problems in {folder}", file=sys.stderr)
        return 1
    print(f"{folder} is intact")
    if pathlib.Path(options.dataset_dir, fields.POLICY_FILE).exists():
        print("A policy is a program: load it only if you trust its origin.")
    return 0
