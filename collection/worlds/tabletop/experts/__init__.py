"""One scripted demonstrator per family; a new one is a module and a line here."""

from wtl.collection.worlds.tabletop.experts import grasp, press, push, slide, stack
from wtl.collection.worlds.tabletop.experts.expert import Command, Demonstrator

DEMONSTRATORS: dict[str, Demonstrator] = {
    "press": press.act,
    "grasp": grasp.act,
    "push": push.act,
    "slide": slide.act,
    "stack": stack.act,
}

__all__ = ["DEMONSTRATORS", "Command", "Demonstrator"]
