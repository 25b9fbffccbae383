"""Registry of worlds by name; a world is imported when it is first asked for.

Each package beside this module names its worlds in `WORLDS`. Installed packages name
theirs by entry points of the group `wtl.worlds`, and a module that a gin file imports
calls `register`.
"""

import contextlib
import functools
import importlib
import importlib.metadata
import pkgutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from wtl.collection import worlds
from wtl.datasets.contract import entry_point
from wtl.datasets.contract.errors import UserError

if TYPE_CHECKING:
    from wtl.collection.worlds.world import World

DEFAULT = "tabletop"
DEFAULT_ROBOT = "free"
ENTRY_POINTS = "wtl.worlds"

# Name -> (origin, function that returns the world).
_Sources = dict[str, tuple[str, Callable[[], "World"]]]
_registered: _Sources = {}


def register(world: "World"):
    """Add a world, for this process and the workers that import the same modules.

    Raises:
      UserError: if another world has its name.
    """
    module = sys._getframe(1).f_globals.get("__name__", "a module")
    source = (f"registered by {module}", lambda: world)
    if world.name in _installed():
        raise UserError(_clash(world.name, source[0], _installed()[world.name][0]))
    _add(_registered, world.name, source)


def names() -> list[str]:
    """Names of all worlds, the default one first."""
    found = {*_installed(), *_registered}
    return sorted(found, key=lambda name: (name != DEFAULT, name))


def get(name: str) -> "World":
    """Return the world of a name, or of the dataset of a folder: `dataset:FOLDER`.

    Raises:
      KeyError: if there is none.
      UserError: if the package that has it cannot be imported.
    """
    if name.startswith("dataset:"):
        from wtl.collection.worlds.plain.dataset_world import dataset_world

        return dataset_world(name.removeprefix("dataset:"))
    return _registered[name][1]() if name in _registered else _loaded(name)


def usable() -> "list[World]":
    """Return all worlds but those whose package cannot be imported."""
    found = []
    for name in names():
        # An error is due only to those who ask for this world.
        with contextlib.suppress(UserError):
            found.append(get(name))
    return found


def origin(name: str) -> str:
    """Return where a world comes from, for people."""
    return (_registered.get(name) or _installed()[name])[0]


@functools.cache
def _loaded(name: str) -> "World":
    source, load = _installed()[name]
    try:
        world = load()
    except Exception as error:
        raise UserError(
            f"the world {name!r} ({source}) cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error
    if world.name != name:
        raise UserError(
            f"the world {name!r} ({source}) calls itself {world.name!r}; give both "
            "the same name"
        )
    return world


@functools.cache
def _installed() -> _Sources:
    """Worlds beside this module and of installed packages."""
    found: _Sources = {}
    for folder in pkgutil.iter_modules(worlds.__path__):
        if not folder.ispkg:
            continue
        package = importlib.import_module(f"{worlds.__name__}.{folder.name}")
        for name, place in getattr(package, "WORLDS", {}).items():
            path = f"{package.__name__}.{place}"
            point = importlib.metadata.EntryPoint(name, path, ENTRY_POINTS)
            _add(found, name, ("WTL", point.load))
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        _add(found, point.name, (entry_point.origin(point), point.load))
    return found


def _add(sources: _Sources, name: str, source: tuple[str, Callable]):
    if name in sources:
        raise UserError(_clash(name, source[0], sources[name][0]))
    sources[name] = source


def _clash(name: str, *origins: str) -> str:
    return f"two worlds are called {name!r}: {' and '.join(origins)}; remove one"
