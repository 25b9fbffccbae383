"""Keeps the notices of TensorFlow, gym and MuJoCo from the user."""

import os
import sys
import warnings

from absl import logging


def quiet(verbosity: int = 0) -> None:
    """Silences third-party notices, in worker processes too; 1 shows them."""
    logging.set_verbosity(logging.INFO if verbosity > 0 else logging.ERROR)
    if verbosity > 0:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("MUJOCO_GL", "disable")
    warnings.simplefilter("ignore")


class Dropped:
    """Drops what imports print to standard error, gym's notice among them."""

    def __init__(self, verbosity: int = 0):
        """Does nothing if `verbosity` is above 0."""
        self._active = verbosity <= 0

    def __enter__(self):
        if self._active:
            sys.stderr.flush()
            self._saved = os.dup(2)
            with open(os.devnull, "w") as null:
                os.dup2(null.fileno(), 2)

    def __exit__(self, *_):
        if self._active:
            if "tensorflow" in sys.modules:
                sys.modules["tensorflow"].get_logger().setLevel("ERROR")
            sys.stderr.flush()
            os.dup2(self._saved, 2)
            os.close(self._saved)
