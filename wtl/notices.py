"""Suppression of the notices that TensorFlow, gym, gRPC and MuJoCo print."""

import io
import os
import sys
import warnings

from absl import logging

CLEARED = "\r\x1b[K"  # of a terminal: back to the start of the line, and erase it


def quiet(verbosity: int = 0) -> None:
    """Silence third-party notices, in worker processes too; verbosity 1 shows them."""
    logging.set_verbosity(logging.INFO if verbosity > 0 else logging.ERROR)
    if verbosity > 0:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("MUJOCO_GL", "disable")
    warnings.simplefilter("ignore")


def print_anything():
    """Let terminals of any encoding print any text, as an escape if need be."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class Dropped:
    """Context in which standard error is discarded, for imports that print notices."""

    def __init__(self, verbosity: int = 0, status: str = ""):
        """Create a context; it has no effect if `verbosity` is above 0.

        Args:
          verbosity: of the command.
          status: shown meanwhile on a terminal.
        """
        self._active = verbosity <= 0
        self._status = status if self._active and sys.stderr.isatty() else ""

    def __enter__(self):
        if self._active:
            sys.stderr.write(self._status)
            sys.stderr.flush()
            self._saved = os.dup(2)
            with open(os.devnull, "w", encoding="utf-8") as null:
                os.dup2(null.fileno(), 2)

    def __exit__(self, *_):
        if self._active:
            if "tensorflow" in sys.modules:
                sys.modules["tensorflow"].get_logger().setLevel("ERROR")
            sys.stderr.flush()
            os.dup2(self._saved, 2)
            os.close(self._saved)
            if self._status:
                sys.stderr.write(CLEARED)
                sys.stderr.flush()


def loading(verbosity: int) -> Dropped:
    """Return the context for imports of a command, which take seconds."""
    return Dropped(verbosity, "loading …")
