"""Runs benchmarks and prints one table: `python -m benchmarks [NAME ...]`."""

import argparse
import concurrent.futures
import dataclasses
import json
import multiprocessing
import pathlib
import platform

from benchmarks import runner
from wtl.datasets.contract.errors import UserError

# Quick ones first.
NAMES = ("env_step", "rendering", "reading", "rollouts", "learner", "collection")
# Asked for by name, or by --all: they take minutes, or install what they compare with.
FURTHER = ("growth", "stages", "peers")


def main():
    """See the module."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    every = NAMES + FURTHER
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"{', '.join(every)}; by default the first {len(NAMES)}",
    )
    parser.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument(
        "--output", type=pathlib.Path, help="a JSON file; figures go into its folder"
    )
    options = parser.parse_args()
    unknown = set(options.names) - set(every)
    if unknown:
        parser.error(f"{sorted(unknown)[0]!r} is none of {', '.join(every)}")
    folder = options.output and options.output.parent
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    found = []
    spawn = multiprocessing.get_context("spawn")
    for name in options.names or (every if options.all else NAMES):
        # Each in a process of its own: what one has imported may slow another down.
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as process:
            try:
                made = process.submit(runner.run, name, folder).result()
            except UserError as error:
                print(f"{name}: left out: {error}", flush=True)
                continue
        for each in made:
            print(each, flush=True)
            found.append({"benchmark": name, **dataclasses.asdict(each)})
    if options.output:
        about = {"machine": platform.machine(), "python": platform.python_version()}
        options.output.write_text(
            json.dumps({"about": about, "comparisons": found}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
