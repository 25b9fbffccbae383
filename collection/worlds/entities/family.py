"""Family of tasks: a kind of manipulation."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np


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
