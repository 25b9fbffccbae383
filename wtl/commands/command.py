"""Declaration of commands: a function for each verb, and its options."""

import argparse
import os
from collections.abc import Callable
from typing import Any

Run = Callable[[argparse.Namespace], int | None]
# Adds an option to a parser, or a command to the sub-parsers of one.
Addition = Callable[[Any], None]
_LAST_PORT = 65535


# Type of options that name files and folders. Shells leave `~` after `=` as it is.
path = os.path.expanduser


def count(text: str) -> int:
    """Type of options that are 1 or more."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too small; give 1 or more")
    return number


def _port(text: str) -> int:
    if text.isdecimal() and len(text) <= 5 and int(text) <= _LAST_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"{text!r} is no port; give 0 (a free one) to {_LAST_PORT}"
    )


def option(*names: str, **settings: Any) -> Addition:
    """Declare an option; the arguments are those of `ArgumentParser.add_argument`."""
    return lambda parser: parser.add_argument(*names, **settings)


def one_of(*options: Addition) -> Addition:
    """Declare options of which exactly one is required."""

    def add_to(parser):
        group = parser.add_mutually_exclusive_group(required=True)
        for add in options:
            add(group)

    return add_to


def verb(name: str, summary: str, run: Run, *options: Addition) -> Addition:
    """Declare a command.

    Args:
      name: the verb.
      summary: one line of help.
      run: takes the parsed options; returns the exit code, or None for 0.
      *options: the options besides `--verbosity`, which every command has.
    """

    def add_to(verbs):
        parser = verbs.add_parser(name, help=summary, description=summary)
        for add in (VERBOSITY, *options):
            add(parser)
        parser.set_defaults(run=run)

    return add_to


def command(*options: Addition) -> Callable[[Run], Addition]:
    """Declare a function as a command with its name and the words of its docstring."""

    def declare(run):
        summary = run.__doc__[0].lower() + run.__doc__[1:].rstrip(".")
        return verb(run.__name__.rstrip("_"), summary, run, *options)

    return declare


def verbs_below(name: str, summary: str, *commands: Addition) -> Addition:
    """Declare a verb with verbs below it, such as `wtl dataset filter`."""

    def add_to(verbs):
        parser = verbs.add_parser(name, help=summary)
        below = parser.add_subparsers(metavar="OPERATION", required=True)
        for add in commands:
            add(below)

    return add_to


VERBOSITY = option(
    "--verbosity", type=int, default=0, help="1 shows tracebacks and logs"
)
GIN_FILE_HELP = "configuration, see gin_configs/"
GIN_BINDINGS = option(
    "--gin_bindings",
    action="append",
    default=[],
    metavar="'a.b=c'",
    help="overrides a line of the configuration; may be repeated",
)
RUN_DIR = option(
    "--run_dir",
    type=path,
    help="run folder; by default runs/ and the name of the gin file",
)
TRUST = option(
    "--trust",
    action="store_true",
    help="trust the published policies that are in the run, from now on: they are "
    "programs (docs/trust.md)",
)
RUN = (
    option("--gin_file", type=path, required=True, help=GIN_FILE_HELP),
    *(GIN_BINDINGS, RUN_DIR, TRUST),
)
DATASET = option("source", type=path, help="RUN/datasets/NAME[/VERSION]")
DATASETS_OUT = option(
    "--out",
    type=path,
    required=True,
    help="folder to publish the dataset in, as RUN/datasets",
)
HOST = option(
    "--host",
    default="127.0.0.1",
    help="address to listen on, by default this machine only",
)


def port(default: int) -> Addition:
    """Return the option of the port of a page."""
    words = f"default {default}; 0 takes a free one"
    return option("--port", type=_port, default=default, help=words)
