"""Task families of the tabletop. A new family is one module and one line here."""

from wtl.collection.worlds.entities.family import Family
from wtl.collection.worlds.tabletop.families import grasp, press, push, slide, stack

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (press.FAMILY, grasp.FAMILY, push.FAMILY, slide.FAMILY, stack.FAMILY)
}
