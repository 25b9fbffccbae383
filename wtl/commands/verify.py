"""`wtl verify`: the check of a dataset or a published policy."""

import argparse
import sys

from wtl.commands.command import command, option, path


@command(option("dataset_dir", type=path, help="RUN/datasets/NAME[/VERSION]"))
def verify(options: argparse.Namespace) -> int:
    """Check a dataset's every episode."""
    from wtl.datasets.storage import verify

    folder = options.dataset_dir
    problems = verify.verify(folder)
    for problem in problems:
        print(problem)
    if problems:
        print(f"wtl: {len(problems)} problems in {folder}", file=sys.stderr)
        return 1
    print(f"{folder} is sound")
    return 0
