"""Entry point of the processes of benchmarks; spawned ones can't import `__main__`."""

import importlib
from typing import Any

from wtl import notices


def run(name: str) -> list[Any]:
    """Return the results of a module, dataclasses whose text is one line."""
    notices.quiet()
    with notices.Dropped():
        module = importlib.import_module(f"benchmarks.{name}")
    return module.run()
