"""A task: an object set, a family, a referent rule and hidden dynamics."""

import dataclasses
import enum

from wtl.collection.worlds import registry
from wtl.collection.worlds.entities.family import Family
from wtl.collection.worlds.tabletop import object_set as object_sets
from wtl.collection.worlds.tabletop.puck import Puck


class RuleKind(enum.StrEnum):
    """How a rule refers to its target."""

    IDENTITY = "identity"  # this very object, wherever it is
    POSITION = "position"  # whatever is in this place, counted from the left


@dataclasses.dataclass(frozen=True)
class Rule:
    """Picks the target in any scene.

    Attributes:
      kind: by identity or by position.
      index: canonical index of the object or button, or its place from the left.
    """

    kind: RuleKind
    index: int

    def __str__(self):
        return f"{self.kind.value}:{self.index}"

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Inverse of `str`. Raises ValueError where `text` is no rule."""
        kind, _, index = text.partition(":")
        return cls(RuleKind(kind), int(index))


@dataclasses.dataclass(frozen=True)
class Task:
    """What is to be done with which object set, under which dynamics.

    Attributes:
      object_set: the objects and buttons.
      family: name of a family of the registry.
      friction: hidden sliding friction between objects and table.
      split: `train`, `val` or `test`.
      rule: the referent rule; None where the rule belongs to the training example
        (a demonstration serves every rule that picks its target).
      index: tells apart tasks of one object set and family.
      gains: hidden gains of the motors of whoever is to do it, one for each dimension
        of the action, see `actuator_gains`; none for sound ones.
      domain: name of the world it is of, see `wtl.collection.worlds.registry`.
      puck: the rest of the hidden dynamics, where all of them are drawn.
    """

    object_set: object_sets.ObjectSet
    family: str
    friction: float
    split: str
    rule: Rule | None = None
    index: int = 0
    gains: tuple[float, ...] = ()
    domain: str = "gripper"
    puck: Puck | None = None

    @property
    def goal(self) -> Family:
        """Its family."""
        return registry.get(self.domain).families[self.family]

    @property
    def hidden(self) -> tuple[float, ...]:
        """All hidden variables beyond friction."""
        return self.gains + (self.puck.hidden if self.puck else ())

    @property
    def task_id(self) -> str:
        """Names object set, family and hidden dynamics."""
        return f"{self.object_set.name}-{self.family}-{self.index}"
