"""One scripted expert per family; a new one is a module and a line here."""

from wtl.collection.worlds.tabletop.experts import grasp, press, push, slide, stack
from wtl.collection.worlds.tabletop.experts.expert import Command, Demonstrator

DEMONSTRATORS: dict[str, Demonstrator] = {
    module.__name__.rpartition(".")[2]: module.act
    for module in (press, grasp, push, slide, stack)
}

__all__ = ["DEMONSTRATORS", "Command", "Demonstrator"]
