"""One scripted expert per family; a new one is a module and a line here."""

from wtl.collection.worlds.entities.expert import Command, Expert
from wtl.collection.worlds.tabletop.experts import grasp, press, push, slide, stack

DEMONSTRATORS: dict[str, Expert] = {
    module.__name__.rpartition(".")[2]: module.act
    for module in (press, grasp, push, slide, stack)
}

__all__ = ["DEMONSTRATORS", "Command"]
