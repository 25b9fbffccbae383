"""`wtl evaluate`: one run's evaluation, or one report of several runs."""

import argparse
import json
import os
import pathlib

from wtl.commands import stage
from wtl.commands.command import (
    GIN_BINDINGS,
    GIN_FILE_HELP,
    RUN_DIR,
    TRUST,
    command,
    one_of,
    option,
    path,
)
from wtl.datasets.contract import names
from wtl.datasets.contract.errors import UserError


@command(
    one_of(
        option("--gin_file", type=path, help=GIN_FILE_HELP),
        option(
            "--compare",
            action="append",
            metavar="[NAME=]RUN[,RUN...]",
            help="compare evaluations of other runs: folders that differ by seed, such "
            "as runs/a/seed0,runs/a/seed1; repeat it for those that differ in more",
        ),
    ),
    option("--out", type=path, metavar="DIR", help="where --compare writes"),
    *(GIN_BINDINGS, RUN_DIR, TRUST, *stage.BEAM),
)
def evaluate(options: argparse.Namespace) -> None:
    """Measure success on held-out tasks; write the report."""
    if options.compare:
        _compare(options)
    elif options.out:
        raise UserError("--out goes with --compare")
    else:
        stage.perform(options, ("evaluate",))


def _compare(options: argparse.Namespace) -> None:
    from wtl.evaluation import comparison, played_run, reports, table

    if not options.out:
        raise UserError("--compare needs --out=DIR, where the comparison is written")
    if options.run_dir or options.gin_bindings:
        raise UserError("--run_dir and --gin_bindings go with --gin_file")
    sets = {}
    for text in options.compare:
        name, paths = _run_set(text)
        if name in sets:
            raise UserError(
                f"two sets of runs are named {name}; name them: --compare=NAME=RUN,..."
            )
        sets[name] = [played_run.read(path) for path in paths]
    results = comparison.compare(sets)
    out = pathlib.Path(options.out)
    reports.write_comparison(out / "report.html", results)
    text = json.dumps(results, indent=2, allow_nan=False)
    # Last: where results.json exists, the comparison is complete.
    (out / "results.json").write_text(text + "\n")
    print(table.format_table(results))
    print(f"\nReport: {out / 'report.html'}")


def _run_set(text: str) -> tuple[str, list[str]]:
    """Return name (by default the folders' own) and folders of a set of runs."""
    # Names of folders may hold `=` and `,`: the first reading whose runs exist counts.
    cuts = [-1, *(i for i, sign in enumerate(text) if sign == "=")]
    for cut in cuts:
        name, paths = text[: max(cut, 0)], _paths(text[cut + 1 :])
        if paths and (name or cut < 0) and all(map(os.path.isdir, paths)):
            break
    else:
        raise UserError(
            f"--compare={text} names no run, or a folder that does not exist; give "
            "[NAME=]RUN[,RUN...]"
        )
    common = os.path.commonpath([os.path.abspath(path) for path in paths])
    return name or os.path.basename(common), paths


def _paths(text: str) -> list[str]:
    expand = os.path.expanduser
    found = names.listed(text, lambda path: os.path.isdir(expand(path)))
    return [expand(path).rstrip("/") for path in found if path.strip("/")]
