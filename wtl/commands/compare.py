"""`wtl evaluate --compare`: one report of several runs."""

import argparse
import json
import os
import pathlib

from wtl.datasets.contract.errors import UserError


def add(command: argparse.ArgumentParser, given):
    """Adds the options.

    Args:
      command: parser of `wtl evaluate`.
      given: group of what is to be evaluated, of which one is needed.
    """
    command.add_argument("--out", metavar="DIR", help="where --compare writes")
    given.add_argument(
        "--compare",
        action="append",
        metavar="[NAME=]RUN[,RUN...]",
        help="compare evaluations of other runs: folders that differ by seed, such as "
        "runs/a/seed0,runs/a/seed1; repeat it for those that differ in more",
    )


def run(options) -> int:
    """Compares the runs that are named; returns the exit code.

    Args:
      options: of the command line.

    Raises:
      UserError: if runs are not named well or can't be compared.
    """
    from wtl.evaluation import comparison, comparison_report, played_run, statistics

    if not options.out:
        raise UserError("--compare needs --out=DIR, where the comparison is written")
    if options.run_dir or options.gin_bindings:
        raise UserError("--run_dir and --gin_bindings go with --gin_file")
    sets = {}
    for given in options.compare:
        name, paths = _named(given)
        if name in sets:
            raise UserError(
                f"two sets of runs are named {name}; name them: --compare=NAME=RUN,..."
            )
        sets[name] = [played_run.read(path) for path in paths]
    results = comparison.compare(sets)
    out = pathlib.Path(options.out)
    comparison_report.write_comparison(out / "report.html", results)
    text = json.dumps(results, indent=2, allow_nan=False)
    # Last: what is there is complete.
    (out / "results.json").write_text(text + "\n")
    print(statistics.format_table(results))
    print(f"\nReport: {out / 'report.html'}")
    return 0


def _named(given: str) -> tuple[str, list[str]]:
    """Name and run folders of `[NAME=]RUN[,RUN...]`; by default the folders' name."""
    name, equals, listed = given.rpartition("=")
    paths = [path.rstrip("/") for path in listed.split(",") if path.strip("/")]
    if not paths or (equals and not name):
        raise UserError(f"--compare={given} names no run; give [NAME=]RUN[,RUN...]")
    common = os.path.commonpath([os.path.abspath(path) for path in paths])
    return name or os.path.basename(common), paths
