"""`wtl ablate`: a grid of configurations that differ from a base."""

import argparse
import pathlib
import sys

from wtl import notices
from wtl.commands import error_line
from wtl.commands.command import GIN_BINDINGS, command, option, path


@command(
    option(
        "--gin_dir",
        type=path,
        required=True,
        help="holds base.gin and the files that differ from it, see "
        "gin_configs/ablations",
    ),
    option(
        "--run_dir",
        type=path,
        default="runs/ablations",
        help="by default runs/ablations",
    ),
    GIN_BINDINGS,
    option(
        "--only",
        default="",
        metavar="A,B",
        help="names of those to run besides the base",
    ),
)
def ablate(options: argparse.Namespace) -> int:
    """Run configurations that differ from a base."""
    with notices.loading(options.verbosity):
        from wtl.evaluation import ablation
        from wtl.pipeline import ablate as grid

    results = grid.ablate(
        options.gin_dir,
        options.run_dir,
        options.gin_bindings,
        options.only,
        error_line.describe,
    )
    print(f"\n{ablation.format_table(results)}")
    print(f"\nThe same: {pathlib.Path(options.run_dir) / 'ablations.md'}")
    failed = results["failed"]
    if failed:
        print(f"wtl: {len(failed)} failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))
