"""Family of tasks: a kind of manipulation."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from wtl.collection.worlds.entities.rule import Rule, RuleKind


@dataclasses.dataclass(frozen=True)
class Family:
    """Family of tasks.

    Attributes:
      name: its key in the registry of its world.
      instruction: sentence for people, with `{target}` in it.
      achieved: (physics, index) -> bool, whether the goal of the family holds now for
        the entity with this canonical index.
      kind: number of the kind of entities that can be the target, see
        `Layout.kinds`.
      noun: name of a target in instructions.
      friction_range: hidden sliding friction of a task, drawn uniformly.
      ways: numbers of the ways of acting on an entity that the goal tells apart.
      way_rules: words for each rule that picks one of them, `{way}` of the instruction.
    """

    name: str
    instruction: str
    achieved: Callable[[Any, int], bool]
    kind: int = 0
    noun: str = "object"
    friction_range: tuple[float, float] = (-1.0, -1.0)  # none
    ways: tuple[int, ...] = (0,)
    way_rules: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def draw_friction(self, rng: np.random.Generator) -> float:
        """Draw the hidden friction of a task."""
        return float(rng.uniform(*self.friction_range))

    def sentence(self, rule: Rule | None, size: int) -> str:
        """Return the instruction of a task with `size` entities of a kind.

        It names the target by the rule; without one, the target is the marked one.
        """
        target = _target(rule, size, self.noun) if rule else f"the marked {self.noun}"
        way = self.way_rules[rule.way] if rule and rule.way else "in the marked way"
        return self.instruction.format(target=target, way=way)


def _target(rule: Rule, size: int, noun: str) -> str:
    """Words for the target that a rule picks."""
    ends = {0: "leftmost", size - 1: "rightmost"} | ({1: "middle"} if size == 3 else {})
    place = {1: "2nd", 2: "3rd"}.get(rule.index, f"{rule.index + 1}th")
    first = rule.index == 0
    match rule.kind:
        case RuleKind.IDENTITY:
            return f"the same {noun}"
        case RuleKind.POSITION if rule.index in ends:
            return f"the {ends[rule.index]} {noun}"
        case RuleKind.POSITION:
            return f"the {place} {noun} from the left"
        case RuleKind.FRONT:
            return f"the {'first' if first else place} {noun} from the front"
        case RuleKind.ANCHOR:
            return f"the {'' if first else place + ' '}nearest {noun} to the anchor"
        case RuleKind.NEAREST:
            return f"the nearest {noun} to another one"
        case RuleKind.FARTHEST:
            return f"the farthest {noun} from another one"
        case RuleKind.SIZE:
            return f"the {'' if first else place + ' '}largest {noun}"
        case RuleKind.RIGHT:
            return f"the next {noun} to the right of another one"
    return f"the next {noun} behind another one"
