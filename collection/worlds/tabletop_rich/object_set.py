"""Objects, buttons and clutter of one task; sizes differ between its scenes."""

import dataclasses

import numpy as np

from wtl.collection.worlds.entities.rule import Rule
from wtl.collection.worlds.tabletop.object_set import Prop
from wtl.collection.worlds.tabletop_hard import object_set as object_sets
from wtl.collection.worlds.tabletop_rich import families, rules
from wtl.collection.worlds.tabletop_rich import scene as scenes
from wtl.datasets.contract import seeding

CLUTTER_PLACES = 4
_CLUTTER_LOW, _CLUTTER_HIGH = (0.012, 0.012, 0.015), (0.022, 0.022, 0.03)  # metres


@dataclasses.dataclass(frozen=True)
class ObjectSet(object_sets.ObjectSet):
    """See the base class.

    Attributes:
      clutter: fixed props; all that there are places for.
      most_clutter: the greatest number of them in a scene.
      button_radii: radius of each button in the present scene, metres.
    """

    clutter: tuple[Prop, ...] = ()
    most_clutter: int = 0
    button_radii: tuple[float, ...] = ()
    bands = 2

    def scene(self, scene_seed: int) -> scenes.Scene:
        """Return the scene of a seed."""
        clutter = (self.most_clutter, len(self.clutter))
        return scenes.draw(self.size, self.present, clutter, scene_seed)


def draw_rule(objects: ObjectSet, family: str, number: int, rng, weights) -> Rule:
    """Draw a rule as on the hard tabletop, and one for the way if there are several."""
    rule = object_sets.draw_rule(objects, family, number, rng, weights)
    ways = tuple(families.FAMILIES[family].way_rules)
    way = ways[rng.integers(len(ways))] if ways else rules.WAY_RULES[0]
    return dataclasses.replace(rule, way=way)


def draw(
    name: str, size: int, seed: int, left_out: str = "", clutter: int = 0
) -> ObjectSet:
    """Draw a set for `size` slots; see `tabletop_hard.object_set.draw`."""
    found = object_sets.draw(name, size, seed, left_out)
    rng = seeding.generator(seed, "clutter", name)
    props = [
        Prop(
            is_box=bool(rng.integers(2)),
            half_sizes=tuple(rng.uniform(_CLUTTER_LOW, _CLUTTER_HIGH).tolist()),
            mass=1.0,  # it does not move
            rgb=tuple(rng.uniform(0.05, 1.0, 3).tolist()),
        )
        for _ in range(CLUTTER_PLACES)
    ]
    radii = (float(np.mean(scenes.BUTTON_SIZES)),) * size
    known = {name: getattr(found, name) for name in found.__dataclass_fields__}
    return ObjectSet(
        **known, clutter=tuple(props), most_clutter=clutter, button_radii=radii
    )
