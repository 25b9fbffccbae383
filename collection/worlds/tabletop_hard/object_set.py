"""Objects and buttons of one task: between three and `size` of each."""

import dataclasses
import functools
import itertools
from collections.abc import Mapping

import numpy as np

from wtl.collection.worlds.entities.rule import Rule, RuleKind
from wtl.collection.worlds.tabletop import object_set as object_sets
from wtl.collection.worlds.tabletop_hard import scene as scenes
from wtl.datasets.contract import seeding
from wtl.datasets.contract.errors import UserError

_LEAST, _MOST = 3, 7  # rules by another entity need three
CATEGORIES = {
    "cylinder": lambda prop: not prop.is_box,
    "red": lambda prop: prop.rgb[0] == max(prop.rgb),  # a third of all hues
}
_SAME_COLOUR = 0.5  # probability that two objects differ by their shape alone


@dataclasses.dataclass(frozen=True)
class ObjectSet(object_sets.ObjectSet):
    """See the base class; the first `count` are in the scenes."""

    count: int = 0

    @property
    def present(self) -> int:
        """See the base class."""
        return self.count

    @property
    def reach(self) -> float:
        """See the base class."""
        return scenes.spread(self.size).setpoint

    def scene(self, scene_seed: int) -> scenes.Scene:
        """Return the scene of a seed."""
        return scenes.draw(self.size, self.present, scene_seed)


def draw_rule(
    objects: ObjectSet,
    family: str,
    number: int,
    rng: np.random.Generator,
    weights: Mapping[str, int],
) -> Rule:
    """Draw a rule of the kind whose turn it is, with any parameter.

    Args:
      objects: of the task.
      family: of the task.
      number: of the task in its family; kinds take turns, spread evenly.
      rng: draws the parameter.
      weights: turns of each kind in a round.
    """
    del family
    turns = [
        ((turn + 0.5) / weight, order, kind)
        for order, (kind, weight) in enumerate(weights.items())
        for turn in range(weight)
    ]
    kind = sorted(turns)[number % len(turns)][-1]
    return Rule(RuleKind(kind), int(rng.integers(objects.present)))


@functools.cache  # sets without objects of a category take seconds to find
def draw(name: str, size: int, seed: int, left_out: str = "") -> ObjectSet:
    """Draw a set for `size` slots, a pure function of the arguments.

    Args:
      name: of the set.
      size: number of slots of each kind of entity.
      seed: of the world.
      left_out: category of `CATEGORIES` that no object is of, if any.

    Raises:
      UserError: if scenes of this size have no rules, or do not fit.
    """
    if not _LEAST <= size <= _MOST:
        raise UserError(
            f"suite.size is {size}; tabletop_hard takes {_LEAST} to {_MOST}"
        )
    is_left_out = CATEGORIES.get(left_out, lambda prop: False)
    seeds = itertools.chain(
        [seed], (seeding.derive_seed(seed, left_out, i) for i in itertools.count())
    )
    drawn = (object_sets.draw(name, size, each) for each in seeds)
    found = next(each for each in drawn if not any(map(is_left_out, each.props)))
    rng = seeding.generator(seed, "hard object_set", name)
    props = list(found.props)
    boxes = [i for i, prop in enumerate(props) if prop.is_box]
    others = [i for i, prop in enumerate(props) if not prop.is_box]
    if boxes and others and rng.random() < _SAME_COLOUR:
        first, second = int(rng.choice(boxes)), int(rng.choice(others))
        props[second] = dataclasses.replace(props[second], rgb=props[first].rgb)
    present = int(rng.integers(_LEAST, size + 1))
    return ObjectSet(name, tuple(props), found.button_rgbs, present)
