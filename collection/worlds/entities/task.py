"""Task: entities, a family, a referent rule and hidden dynamics."""

import dataclasses
import enum
from typing import Any, Protocol

from wtl.collection.worlds import registry
from wtl.collection.worlds.entities.family import Family


class RuleKind(enum.StrEnum):
    """Kind of reference to a target."""

    IDENTITY = "identity"  # the same entity, wherever it is
    POSITION = "position"  # the entity in a place, counted from the left


@dataclasses.dataclass(frozen=True)
class Rule:
    """Referent rule: picks the target in any scene.

    Attributes:
      kind: by identity or by position.
      index: canonical index of the entity, or its place from the left.
    """

    kind: RuleKind
    index: int

    def __str__(self):
        return f"{self.kind.value}:{self.index}"

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Return the rule of its `str`; raise ValueError where `text` is none."""
        kind, _, index = text.partition(":")
        return cls(RuleKind(kind), int(index))


class EntitySet(Protocol):
    """Entities in every scene of a task.

    Attributes:
      name: `SPLIT-INDEX`, unique over all splits.
      size: number of entities of each kind.
    """

    name: str
    size: int

    def scene(self, scene_seed: int) -> Any:
        """Return the initial poses of a seed, with `places` and `slots` by kind."""


class HiddenDynamics(Protocol):
    """Hidden dynamics of the entities of a task.

    Attributes:
      hidden: all hidden variables.
    """

    hidden: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Task:
    """Task: entities, a family, a referent rule and hidden dynamics.

    Attributes:
      object_set: the entities.
      family: name of a family of the registry.
      friction: hidden sliding friction.
      split: `train`, `val` or `test`.
      rule: the referent rule; None where the rule belongs to the training example
        (a demonstration serves every rule that picks its target).
      index: tells apart tasks of one object set and family.
      gains: hidden actuator gains of the robot, one for each dimension of the action,
        see `actuator_gains`; empty for nominal actuators.
      domain: name of the world it is of, see `wtl.collection.worlds.registry`.
      puck: hidden dynamics beyond friction, where they are drawn.
    """

    object_set: EntitySet
    family: str
    friction: float
    split: str
    rule: Rule | None = None
    index: int = 0
    gains: tuple[float, ...] = ()
    domain: str = registry.DEFAULT
    puck: HiddenDynamics | None = None

    @property
    def goal(self) -> Family:
        """Family of the task."""
        return registry.get(self.domain).families[self.family]

    @property
    def hidden(self) -> tuple[float, ...]:
        """All hidden variables beyond friction."""
        return self.gains + (self.puck.hidden if self.puck else ())

    @property
    def hidden_metadata(self) -> dict[str, tuple[float, ...]]:
        """Hidden variables beyond friction, as metadata of its episodes."""
        found = {"hidden_gains": self.gains} if self.gains else {}
        return found | ({"hidden_puck": self.puck.hidden} if self.puck else {})

    @property
    def task_id(self) -> str:
        """Name of entities, family and hidden dynamics."""
        return f"{self.object_set.name}-{self.family}-{self.index}"
