"""Registry of worlds by name; a world is imported when it is first asked for.

Each package beside this module names its worlds in `WORLDS`.
"""

import functools
import importlib
import pkgutil
from typing import TYPE_CHECKING

from wtl.collection import worlds

if TYPE_CHECKING:
    from wtl.collection.worlds.world import World

DEFAULT = "tabletop"


@functools.cache
def _modules() -> dict[str, str]:
    """`module:attribute` of each world by name."""
    found = {}
    for folder in pkgutil.iter_modules(worlds.__path__):
        if folder.ispkg:
            package = importlib.import_module(f"{worlds.__name__}.{folder.name}")
            for name, place in getattr(package, "WORLDS", {}).items():
                found[name] = f"{package.__name__}.{place}"
    return found


def names() -> list[str]:
    """Names of all worlds, the default one first."""
    return sorted(_modules(), key=lambda name: (name != DEFAULT, name))


@functools.cache
def get(name: str) -> "World":
    """Return the world of a name.

    Raises:
      KeyError: if there is none.
    """
    module, _, attribute = _modules()[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
