"""Objects that options name by their place, MODULE:NAME."""

import importlib.metadata
from typing import TYPE_CHECKING, Any

from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.names import did_you_mean

if TYPE_CHECKING:
    from wtl.collection.worlds.world import World


def load(place: str) -> Any:
    """Import the module and return what has the name there.

    Raises:
      UserError: if either is missing, or the module fails.
    """
    module, _, name = place.partition(":")
    if not module or not name:
        raise UserError(f"{place!r} is not MODULE:NAME")
    try:
        return importlib.metadata.EntryPoint("", place, "").load()
    except Exception as error:
        raise UserError(
            f"{place} cannot be imported: {type(error).__name__}: {error}"
        ) from error


def world(name: str) -> "World":
    """Return a registered world by its place or its name.

    Raises:
      UserError: if there is none.
    """
    from wtl.collection.worlds import registry
    from wtl.collection.worlds.world import World

    if ":" not in name:
        if name not in registry.names():
            known = registry.names()
            raise UserError(
                f"world {name!r} is none of {', '.join(known)}; give MODULE:WORLD for "
                "one of your own" + did_you_mean(name, known)
            )
        return registry.get(name)
    found = load(name)
    if not isinstance(found, World):
        raise UserError(f"{name} is no world: wtl.worlds.dm_env or .gym makes one")
    if found.name not in registry.names():
        registry.register(found)
    return found
