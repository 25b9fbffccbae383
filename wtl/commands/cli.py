"""The command line: parses a verb and its options, and runs it."""

import argparse
import signal
import sys
import traceback

from wtl import notices
from wtl.commands import (
    ablate,
    dataset,
    doctor,
    error_line,
    evaluate,
    exchange,
    hosting,
    import_videos,
    play,
    stage,
    teleop,
    verify,
    view,
)

_COMMANDS = (
    *stage.BEFORE_EVALUATION,
    evaluate.COMMAND,
    *stage.OTHERS,
    teleop.COMMAND,
    play.COMMAND,
    verify.COMMAND,
    view.COMMAND,
    *hosting.COMMANDS,
    doctor.COMMAND,
    import_videos.COMMAND,
    dataset.COMMAND,
    *exchange.COMMANDS,
    ablate.COMMAND,
)


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit, with code 0 only if it succeeded."""
    options = _parser().parse_args(arguments)
    notices.quiet(options.verbosity)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        sys.exit(options.run(options) or 0)
    except KeyboardInterrupt:
        print("\nwtl: interrupted; rerun the command to resume", file=sys.stderr)
        sys.exit(130)
    except Exception as error:  # the last resort: every error is one line
        if options.verbosity > 0:
            traceback.print_exc()
        print(f"wtl: {error_line.describe(error)}", file=sys.stderr)
        sys.exit(1)


def _terminate(*_):
    # End like Ctrl-C, so that worker processes end too.
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wtl", description="Watch a demonstration, try once, learn from both."
    )
    verbs = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_to(verbs)
    return parser
