"""Hidden dynamics of objects on the table, like those of an unknown puck.

A puck that a robot hits to a target is a problem of sim-to-real studies (Arndt et al.,
"Meta Reinforcement Learning for Sim-to-real Domain Adaptation", 2020), and so are wide
ranges of its dynamics. On a table as rough only a fast robot makes anything slide.
"""

import dataclasses
from typing import ClassVar

import numpy as np

from wtl.collection.worlds.tabletop import object_set as object_sets
from wtl.datasets.contract.errors import UserError


@dataclasses.dataclass(frozen=True)
class Puck:
    """Dynamics of the objects of a task.

    Attributes:
      friction: along x and along y.
      torsional: friction against spinning, metres.
      rolling: friction against rolling, metres.
      mass: of each object, kg.
      start_noise: standard deviation of the place of an object at the start of an
        attempt, metres; not hidden.
      stride: metres per control step at action 1 that the robot moves; not hidden.
    """

    friction: tuple[float, float]
    torsional: float
    rolling: float
    mass: float
    start_noise: float
    stride: float

    @property
    def hidden(self) -> tuple[float, ...]:
        """All hidden variables, `HIDDEN_SIZE` numbers."""
        return (*self.friction, self.torsional, self.rolling, self.mass)

    def weigh(self, object_set: object_sets.ObjectSet) -> object_sets.ObjectSet:
        """Return the same objects with the mass of this task."""
        props = (dataclasses.replace(p, mass=self.mass) for p in object_set.props)
        return dataclasses.replace(object_set, props=tuple(props))


HIDDEN_SIZE = 5


@dataclasses.dataclass(frozen=True)
class PuckRanges:
    """Uniform distribution of the dynamics of a task.

    Attributes:
      friction: along x.
      friction_ratio: of friction along y and along x.
      torsional, rolling, mass: see `Puck`.
      start_noise, stride: of every task, see `Puck`.

    Raises:
      UserError: if a range is none.
    """

    friction: tuple[float, float] = (0.15, 0.95)
    friction_ratio: tuple[float, float] = (0.7, 1.3)
    torsional: tuple[float, float] = (0.001, 0.05)
    rolling: tuple[float, float] = (0.01, 0.3)
    mass: tuple[float, float] = (0.05, 0.5)
    start_noise: float = 0.02
    stride: float = 0.36
    hidden_size: ClassVar[int] = HIDDEN_SIZE

    def __post_init__(self):
        for field in dataclasses.fields(self)[:HIDDEN_SIZE]:
            given = getattr(self, field.name)
            if len(given) != 2 or not 0 < given[0] <= given[1]:
                raise UserError(
                    f"puck.{field.name} is {given}; it takes the smallest and the "
                    "largest value, both above 0"
                )
        if self.start_noise < 0 or self.stride <= 0:
            raise UserError(
                "puck.start_noise must not be negative, and puck.stride above 0"
            )

    def outside(self) -> dict[str, "PuckRanges"]:
        """Return distributions of pucks whose friction is outside of this one."""
        low, high = self.friction
        return {
            "friction_below": dataclasses.replace(self, friction=(low / 2, low)),
            "friction_above": dataclasses.replace(self, friction=(high, 1.2 * high)),
        }

    def draw(self, rng: np.random.Generator) -> Puck:
        """Draw the dynamics of a task."""
        along_x, ratio, *others = (
            float(rng.uniform(*getattr(self, field.name)))
            for field in dataclasses.fields(self)[:HIDDEN_SIZE]
        )
        return Puck((along_x, along_x * ratio), *others, self.start_noise, self.stride)
