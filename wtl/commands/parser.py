"""Parser of the command line, which names what a misspelt word is nearest to."""

import argparse
import sys

from wtl.commands import colour
from wtl.datasets.contract.names import did_you_mean


class _Formatter(argparse.HelpFormatter):
    """Formatter with room for the longest command, and bold titles on terminals."""

    def __init__(self, prog: str):
        super().__init__(prog, max_help_position=25)

    def start_section(self, heading: str | None):
        super().start_section(
            heading and colour.paint(heading, colour.BOLD, sys.stdout)
        )


class Parser(argparse.ArgumentParser):
    """Parser that suggests verbs, options and choices.

    Parsers of verbs are of this class too, so that each knows its own options.
    """

    def __init__(self, *args, **settings):
        super().__init__(*args, formatter_class=_Formatter, **settings)

    def parse_known_args(self, args=None, namespace=None):
        """See the base class; unknown options are an error here."""
        self._words = sys.argv[1:] if args is None else list(args)
        found, left = super().parse_known_args(args, namespace)
        if left:
            self.error(f"unrecognized arguments: {' '.join(left)}")
        return found, left

    def error(self, message: str):
        """Exit with the message, and with the option that an unknown one is like."""
        known = self._option_string_actions
        for word in self._words:
            name = word.partition("=")[0]
            if name.startswith("--") and not any(k.startswith(name) for k in known):
                message += f" ({name}{did_you_mean(name, known) or ' is unknown'})"
        super().error(message)

    def _check_value(self, action: argparse.Action, value):
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            nearest = did_you_mean(value, action.choices)
            if isinstance(action.choices, dict):  # commands: too many to be listed
                kind = action.metavar.lower()
                error.message = f"unknown {kind} {value!r}"
                nearest += f" (`{self.prog} --help` lists them)"
            error.message += nearest
            raise
