"""Runs one benchmark in this process."""

import importlib
import pathlib
from typing import Any

from wtl import notices


def run(name: str, folder: pathlib.Path | None = None) -> list[Any]:
    """Runs the benchmark of a module of this package.

    Args:
      name: of the module.
      folder: gets its figure, if it draws one.

    Returns:
      What was found: dataclasses that say in a line what they hold.
    """
    notices.quiet()
    with notices.Dropped():
        module = importlib.import_module(f"benchmarks.{name}")
    found = module.run()
    if folder and hasattr(module, "draw"):
        module.draw(found, folder)
    return found
