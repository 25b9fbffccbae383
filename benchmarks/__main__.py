"""Run benchmarks and print their results: `python -m benchmarks [NAME ...]`."""

import argparse
import dataclasses
import json
import pathlib
import platform

from benchmarks import runner
from wtl.datasets.contract.errors import UserError

# Quick ones first.
NAMES = ("env_step", "rendering", "reading", "rollouts", "learner", "collection")
# Run by name or by --all: they take minutes, or install their baselines.
FURTHER = ("stages", "peers")


def main():
    """Run the benchmarks that the command line names."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"{', '.join(NAMES + FURTHER)}; by default the first {len(NAMES)}",
    )
    parser.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument("--output", type=pathlib.Path, help="a JSON file")
    options = parser.parse_args()
    if unknown := set(options.names) - {*NAMES, *FURTHER}:
        parser.error(f"unknown benchmarks: {', '.join(unknown)}")
    results = []
    for name in options.names or (NAMES + FURTHER if options.all else NAMES):
        try:
            found = runner.alone(runner.run, name)
        except UserError as error:
            print(f"{name}: skipped: {error}", flush=True)
            continue
        for each in found:
            print(each, flush=True)
            results.append({"benchmark": name, **dataclasses.asdict(each)})
    if options.output:
        about = {"machine": platform.machine(), "python": platform.python_version()}
        options.output.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"about": about, "comparisons": results}, indent=2)
        options.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
