"""What a family consists of."""

import dataclasses
from collections.abc import Callable

import numpy as np

from wtl.envs import world as worlds

TABLE_FRICTION = 0.8


@dataclasses.dataclass(frozen=True)
class Family:
    """A kind of manipulation.

    Attributes:
      name: its key in the registry.
      instruction: sentence for people, with `{target}` in it.
      achieved: (world, index) -> bool, whether the goal of the family holds now for
        the object, or button, with this canonical index.
      on_buttons: targets are buttons rather than objects.
      noun: what people call a target.
      friction_range: hidden sliding friction between objects and table, drawn per task.
    """

    name: str
    instruction: str
    achieved: Callable[[worlds.World, int], bool]
    on_buttons: bool = False
    noun: str = "object"
    friction_range: tuple[float, float] = (TABLE_FRICTION, TABLE_FRICTION)

    def draw_friction(self, rng: np.random.Generator) -> float:
        """Draws the hidden dynamics of a task."""
        return float(rng.uniform(*self.friction_range))
