"""Progress bars, and in logs a line a minute in their place."""

import sys
from typing import Any, TextIO

import tqdm

_MINUTE = 60.0  # seconds
_LINE = "{desc}: {percentage:3.0f}% {n_fmt}/{total_fmt} "
_LINE += "[{elapsed}<{remaining}, {rate_fmt}{postfix}]"


def progress(*iterable: Any, **settings: Any) -> tqdm.tqdm:
    """Return a progress bar with an estimate of the time that is left.

    Where standard error is not a terminal, such as in the log of a batch job, it writes
    a line at the beginning, at the end, and at most every minute in between.

    Args:
      *iterable: what is iterated over, if anything.
      **settings: those of `tqdm.tqdm`.
    """
    if not sys.stderr.isatty():
        settings |= {"mininterval": _MINUTE, "miniters": 1, "bar_format": _LINE}
        settings |= {"file": _Lines(sys.stderr), "position": 0}
    return tqdm.tqdm(*iterable, **settings)


class _Lines:
    """Stream that makes a line of each state of a bar."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str):
        """Write a state without the control characters that would overwrite it."""
        line = text.replace("\x1b[A", "").strip()
        if line:
            self._stream.write(f"{line}\n")

    def isatty(self) -> bool:
        """Whether it is a terminal, for bars that are for terminals alone."""
        return False

    def flush(self):
        """Flush the stream."""
        self._stream.flush()
