"""Commands and their options, declared as values."""

import argparse
from collections.abc import Callable
from typing import Any


class Option:
    """Argument of a command, with the parameters of `ArgumentParser.add_argument`."""

    def __init__(self, *names: str, **settings: Any):
        self._names, self._settings = names, settings

    def add_to(self, parser) -> None:
        """Add the option to a parser or a group of one."""
        parser.add_argument(*self._names, **self._settings)


class OneOf:
    """Options of which exactly one is required."""

    def __init__(self, *options: Option):
        self._options = options

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Add the options to a parser, as a mutually exclusive group."""
        group = parser.add_mutually_exclusive_group(required=True)
        for option in self._options:
            option.add_to(group)


class Command:
    """Verb of the command line."""

    def __init__(
        self,
        name: str,
        summary: str,
        run: Callable[[argparse.Namespace], int | None],
        *options: Option | OneOf,
    ):
        """Declare a command.

        Args:
          name: the verb.
          summary: one line of help.
          run: takes the parsed options; returns the exit code, or None for 0.
          *options: the options besides `--verbosity`, which every command has.
        """
        self._name, self._summary, self._run = name, summary, run
        self._options = (VERBOSITY, *options)

    def add_to(self, verbs) -> None:
        """Add the command to the sub-parsers of a parser."""
        parser = verbs.add_parser(
            self._name, help=self._summary, description=self._summary
        )
        for option in self._options:
            option.add_to(parser)
        parser.set_defaults(run=self._run)


class CommandGroup:
    """Verb with verbs below it, such as `wtl dataset filter`."""

    def __init__(self, name: str, summary: str, *commands: Command):
        self._name, self._summary, self._commands = name, summary, commands

    def add_to(self, verbs) -> None:
        """Add the group to the sub-parsers of a parser."""
        parser = verbs.add_parser(self._name, help=self._summary)
        below = parser.add_subparsers(metavar="OPERATION", required=True)
        for command in self._commands:
            command.add_to(below)


VERBOSITY = Option(
    "--verbosity", type=int, default=0, help="1 shows tracebacks and logs"
)
GIN_FILE_HELP = "configuration, see gin_configs/"
GIN_FILE = Option("--gin_file", required=True, help=GIN_FILE_HELP)
GIN_BINDINGS = Option(
    "--gin_bindings",
    action="append",
    default=[],
    metavar="'a.b=c'",
    help="overrides a line of the configuration; may be repeated",
)
RUN_DIR = Option(
    "--run_dir", help="run folder; by default runs/ and the name of the gin file"
)
RUN = (GIN_FILE, GIN_BINDINGS, RUN_DIR)
DATASET = Option("source", help="RUN/datasets/NAME[/VERSION]")
DATASETS_OUT = Option(
    "--out", required=True, help="folder to publish the dataset in, as RUN/datasets"
)


def address(port: int) -> tuple[Option, Option]:
    """Return the options of a command that serves a page; `port` is the default."""
    return (
        Option(
            "--port", type=int, default=port, help=f"default {port}; 0 takes a free one"
        ),
        Option(
            "--host",
            default="127.0.0.1",
            help="address to listen on, by default this machine only; on any other, "
            "browsers must send the token of the printed address",
        ),
    )
