"""Processes of benchmarks; spawned ones can't import `__main__`."""

import concurrent.futures
import importlib
import multiprocessing
from collections.abc import Callable
from typing import Any

from wtl import notices


def alone(function: Callable, *arguments: Any) -> Any:
    """Call a function in its own process: imports of one may slow another down."""
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as process:
        return process.submit(function, *arguments).result()


def run(name: str) -> list[Any]:
    """Return the results of a module, dataclasses whose text is one line."""
    notices.quiet()
    with notices.Dropped():
        module = importlib.import_module(f"benchmarks.{name}")
    return module.run()
