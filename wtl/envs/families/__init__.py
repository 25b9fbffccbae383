"""The task families. A new family is one module here and one line below."""

from wtl.envs.families import grasp, press, push, reach, slide, stack
from wtl.envs.families.family import Family

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (press.FAMILY, grasp.FAMILY, push.FAMILY, slide.FAMILY, stack.FAMILY)
}
# Families of the reacher.
REACHING: dict[str, Family] = {reach.FAMILY.name: reach.FAMILY}
EVERY = FAMILIES | REACHING
