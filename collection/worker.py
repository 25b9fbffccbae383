"""Worker processes, which end with their parent and import the same plug-ins."""

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import multiprocessing
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.process import BaseProcess
from typing import Any

from wtl.collection import opengl

# Workers import neither TensorFlow nor the parent's threads.
CONTEXT = multiprocessing.get_context("spawn")

_modules: dict[str, None] = {}
_folders: dict[str, None] = {}


class WorkerError(RuntimeError):
    """Failure of a worker process."""


class _Finder(importlib.abc.MetaPathFinder):
    """Finder of modules in the folders of plug-ins.

    Folders without `__init__.py` are no packages here, unlike on `sys.path`: gin would
    take those that hold gin files for packages, and fail.
    """

    def find_spec(self, fullname, path, target=None):
        """See the base class."""
        if path is not None:
            return None
        found = importlib.machinery.PathFinder.find_spec(fullname, [*_folders], target)
        return found if found and found.origin else None


_FINDER = _Finder()


def import_plugins(modules: Sequence[str], folders: Sequence[str] = ()):
    """Import modules that register methods and worlds, and let later workers do so.

    Args:
      modules: names of the modules.
      folders: where they may lie besides all places where Python looks first.
    """
    _folders.update(dict.fromkeys(folders))
    if folders and _FINDER not in sys.meta_path:
        sys.meta_path.append(_FINDER)
    for module in modules:
        importlib.import_module(module)
        _modules[module] = None


def plugins() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the arguments of `import_plugins` that do the same in other processes."""
    return tuple(_modules), tuple(_folders)


@contextlib.contextmanager
def without_script() -> Iterator[None]:
    """Let processes that are started meanwhile not import the calling script.

    A script may then start them outside of `if __name__ == "__main__":`. They know no
    world that the script itself registers.
    """
    script = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def start(
    target: Callable[..., None], *arguments: Any, renders: bool = True
) -> BaseProcess:
    """Start a process that imports the plug-ins and calls `target(*arguments)`.

    Args:
      target: called in the process.
      *arguments: of the call.
      renders: whether it may open OpenGL; a process that imports TensorFlow must not.
    """
    process = CONTEXT.Process(
        target=_serve, args=(plugins(), target, arguments), daemon=True
    )
    with contextlib.nullcontext() if renders else opengl.closed():
        process.start()
    return process


def _serve(plugins: Any, target: Callable[..., None], arguments: tuple):
    begin(*plugins)
    target(*arguments)


def begin(modules: Sequence[str], folders: Sequence[str]):
    """Let this process end with its parent and nothing else, and import plug-ins."""
    # Ctrl-C reaches the whole process group; only the parent acts on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A parent killed outright can't end its workers, which would wait forever.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import_plugins(modules, folders)


def _end_with_parent():
    multiprocessing.parent_process().join()
    os._exit(1)
