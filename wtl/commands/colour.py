"""Colours of a terminal."""

import os
from typing import TextIO

BOLD, RED, GREEN, YELLOW = "1", "31", "32", "33"  # ANSI


def paint(text: str, style: str, stream: TextIO) -> str:
    """Return a text in a style if a stream shows it, see https://no-color.org."""
    if os.environ.get("NO_COLOR") or not stream.isatty():
        return text
    return f"\x1b[{style}m{text}\x1b[0m"
