"""Command that heeds Ctrl-C, which tests that run in the background ignore.

It is a program that becomes another one. Code between fork and exec (`preexec_fn`)
would do the same, but may abort in the child where the tests use gRPC.
"""

import fcntl
import os
import signal
import sys
import termios

_TERMINAL = "terminal"


def command(
    *arguments: str, python: str = sys.executable, has_terminal: bool = False
) -> list[str]:
    """Return the command of `python` with arguments.

    Args:
      *arguments: of the interpreter.
      python: interpreter.
      has_terminal: whether its standard input becomes its controlling terminal.
    """
    return [python, __file__, _TERMINAL if has_terminal else "", *arguments]


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.argv[1] == _TERMINAL:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
