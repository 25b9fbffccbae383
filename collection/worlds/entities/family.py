"""Family of tasks: a kind of manipulation."""

import dataclasses
from collections.abc import Callable
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
    """

    name: str
    instruction: str
    achieved: Callable[[Any, int], bool]
    kind: int = 0
    noun: str = "object"
    friction_range: tuple[float, float] = (-1.0, -1.0)  # none

    def draw_friction(self, rng: np.random.Generator) -> float:
        """Draw the hidden friction of a task."""
        return float(rng.uniform(*self.friction_range))

    def sentence(self, rule: Rule | None, size: int) -> str:
        """Return the instruction of a task with `size` entities of a kind.

        It names the target by the rule; without one, the target is the marked one.
        """
        which = "same" if rule else "marked"
        if rule and rule.kind is RuleKind.POSITION:
            ends = {0: "leftmost", size - 1: "rightmost", (size - 1) / 2: "middle"}
            which = ends.get(rule.index, f"{rule.index + 1}th from the left")
        return self.instruction.format(target=f"the {which} {self.noun}")
