"""Registry of worlds by name; a world is imported when it is first asked for."""

import functools
import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wtl.collection.worlds.world import World

GRIPPER, REACHER, DENSE_REACHER = "gripper", "reacher", "dense_reacher"
BUILT_IN = {
    GRIPPER: "wtl.collection.worlds.tabletop.tabletop:TABLETOP",
    REACHER: "wtl.collection.worlds.reacher.reacher:REACHER",
    DENSE_REACHER: "wtl.collection.worlds.reacher.reacher:DENSE_REACHER",
}


def names() -> list[str]:
    """Names of all worlds."""
    return list(BUILT_IN)


@functools.cache
def get(name: str) -> "World":
    """Return the world of a name.

    Raises:
      KeyError: if there is none.
    """
    module, _, attribute = BUILT_IN[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
