"""Stages on `tiny.gin`, as a user calls them."""

import pathlib

import pytest

from wtl.commands import cli

ROOT = pathlib.Path(__file__).resolve().parents[2]
TINY = str(ROOT / "tests" / "tiny.gin")


def command(*arguments: str) -> int:
    """Return the exit status of `wtl` with arguments."""
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    return ended.value.code


def perform(stage: str, run_dir, *bindings: str) -> int:
    """Return the exit status of a stage in a run folder."""
    arguments = [stage, f"--gin_file={TINY}", f"--run_dir={run_dir}"]
    return command(*arguments, *(f"--gin_bindings={b}" for b in bindings))
