"""Runs one benchmark in this process."""

import importlib

from benchmarks import comparison
from wtl import notices


def run(name: str) -> list[comparison.Comparison]:
    """Runs the benchmark of a module of this package."""
    notices.quiet()
    with notices.Dropped():
        module = importlib.import_module(f"benchmarks.{name}")
    return module.run()
