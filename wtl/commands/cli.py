"""The command line: parses a verb and its options, and runs it."""

import argparse
import multiprocessing
import os
import signal
import sys
import threading
import traceback

import wtl
from wtl import notices
from wtl.commands import colour, error_line, stage
from wtl.commands.ablate import ablate
from wtl.commands.clean import clean
from wtl.commands.completion import completion
from wtl.commands.dataset import dataset
from wtl.commands.doctor import doctor
from wtl.commands.evaluate import evaluate
from wtl.commands.exchange import export, import_
from wtl.commands.hosting import fetch, publish
from wtl.commands.import_videos import import_videos
from wtl.commands.parser import Parser
from wtl.commands.play import play
from wtl.commands.record import record
from wtl.commands.runs import runs
from wtl.commands.serve import serve
from wtl.commands.serve_world import serve_world
from wtl.commands.teach import teach
from wtl.commands.teleop import teleop
from wtl.commands.verify import verify
from wtl.commands.view import view

# Commands by what one wants to do, in the order of the help.
_GROUPS = {
    "start": (stage.QUICKSTART, stage.RUN_ALL),
    "run one stage": (*stage.BEFORE_EVALUATION, evaluate),
    "compare": (ablate, *stage.BASELINES),
    "look": (runs, view, play, teach),
    "bring your own": (teleop, record, import_, import_videos, serve_world, serve),
    "share": (dataset, export, publish, fetch),
    "check and tidy up": (doctor, verify, clean, completion),
}
_TERMINATED = 128 + signal.SIGTERM  # exit status
_GRACE = 3.0  # seconds


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit, with code 0 only if it succeeded."""
    notices.print_anything()  # help too
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments or ["--help"])
    notices.quiet(options.verbosity)
    if os.getcwd() not in sys.path:  # `python -m wtl` has it there already
        sys.path.insert(0, os.getcwd())
    signal.signal(signal.SIGTERM, _terminate)
    try:
        sys.exit(options.run(options) or 0)
    except _Terminated:
        print("\nwtl: terminated; rerun the command to resume", file=sys.stderr)
        sys.exit(_TERMINATED)
    except KeyboardInterrupt:
        print("\nwtl: interrupted; rerun the command to resume", file=sys.stderr)
        sys.exit(130)
    except Exception as error:  # the last resort: every error is one line
        if options.verbosity > 0:
            traceback.print_exc()
        name = colour.paint("wtl:", colour.RED, sys.stderr)
        print(f"{name} {error_line.describe(error)}", file=sys.stderr)
        sys.exit(1)


class _Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a command like Ctrl-C, so that worker processes end too."""


def _terminate(*_):
    # What is on disk survives a kill, so nothing has to be waited for much longer.
    last = threading.Timer(_GRACE, _end)
    last.daemon = True
    last.start()
    raise _Terminated


def _end():
    for worker in multiprocessing.active_children():
        worker.kill()
    os._exit(_TERMINATED)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="wtl",
        description="Watch a demonstration, try once, learn from both.",
        epilog="`wtl COMMAND --help` lists the options of a command.",
    )
    parser.add_argument("--version", action="version", version=f"wtl {wtl.__version__}")
    parser.set_defaults(parser=parser)
    verbs = parser.add_subparsers(title="all", metavar="COMMAND", required=True)
    # argparse has one list of all commands: groups show parts of it in its place.
    parser._action_groups.remove(parser._subparsers)
    for title, commands in _GROUPS.items():
        known = len(verbs._choices_actions)
        for add in commands:
            add(verbs)
        group = parser.add_argument_group(title)
        group._group_actions += verbs._choices_actions[known:]
    return parser
