"""One scripted demonstrator per family; a new one is a module and a line here."""

from collection.demonstrators import grasp, press, push, reach, slide, stack
from collection.demonstrators.demonstrator import Command, Demonstrator

DEMONSTRATORS: dict[str, Demonstrator] = {
    "press": press.act,
    "grasp": grasp.act,
    "push": push.act,
    "slide": slide.act,
    "stack": stack.act,
    "reach": reach.act,
}

__all__ = ["DEMONSTRATORS", "Command", "Demonstrator"]
