"""`wtl verify`: the check of a dataset or a published policy."""

import argparse
import sys

from wtl.commands.command import Command, Option


def _verify(options: argparse.Namespace) -> int:
    from wtl.datasets.storage import verify

    problems = verify.verify(options.dataset_dir)
    for problem in problems:
        print(problem)
    if problems:
        print(
            f"wtl: {len(problems)} problems in {options.dataset_dir}", file=sys.stderr
        )
        return 1
    print(f"{options.dataset_dir} is sound")
    return 0


COMMAND = Command(
    "verify",
    "check a dataset's every episode",
    _verify,
    Option("dataset_dir", help="RUN/datasets/NAME[/VERSION]"),
)
