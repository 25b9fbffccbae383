"""Terminal of an operator: single keys, and a line of status below what is said."""

import os
import select
import shutil
import sys
import termios
import tty

from wtl.commands import error_line
from wtl.datasets.contract.errors import UserError
from wtl.notices import CLEARED


class Terminal:
    """Keys at the moment they are pressed; the block's end restores the terminal."""

    def __enter__(self) -> "Terminal":
        self._keys = sys.stdin.fileno()
        self._settings = termios.tcgetattr(self._keys)
        tty.setcbreak(self._keys)
        return self

    def __exit__(self, *_):
        termios.tcsetattr(self._keys, termios.TCSADRAIN, self._settings)
        sys.stderr.write("\n")

    def read(self, seconds: float | None) -> str | None:
        """Return the next key; None if there is none within so many seconds.

        Raises:
          UserError: if the terminal is closed.
        """
        if not select.select([self._keys], [], [], seconds)[0]:
            return None
        if key := os.read(self._keys, 1):
            return key.decode("latin1")
        raise UserError("the terminal is closed")

    def show(self, status: str):
        """Replace the line of status, cut to the width of the terminal."""
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write(CLEARED + error_line.printable(status)[:width])
        sys.stderr.flush()

    def say(self, text: str):
        """Print a line above that of the status."""
        sys.stderr.write(f"{CLEARED}{error_line.printable(text)}\n")
