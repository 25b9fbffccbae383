"""Referent rule: picks the target of a task in any of its scenes."""

import dataclasses
import enum

import numpy as np


class RuleKind(enum.StrEnum):
    """Kind of reference to a target."""

    IDENTITY = "identity"  # the same entity, wherever it is
    POSITION = "position"  # the entity in a place, counted from the left
    FRONT = "front"  # the same, counted from the front
    ANCHOR = "anchor"  # the entity in a place by its distance from the anchor
    NEAREST = "nearest"  # the entity nearest to another one
    FARTHEST = "farthest"  # the entity farthest from another one
    SIZE = "size"  # the entity in a place by its size, the largest first
    RIGHT = "right"  # the next entity to the right of another one, or the leftmost
    BEHIND = "behind"  # the next entity behind another one, or the foremost


@dataclasses.dataclass(frozen=True)
class Rule:
    """Referent rule.

    Attributes:
      kind: by identity or by position.
      index: canonical index of the entity or of the other one, or the place.
      way: name of the rule that picks the way of acting on it; '' where the family has
        one way.
    """

    kind: RuleKind
    index: int
    way: str = ""

    def referent(self, places: np.ndarray) -> int:
        """Return the canonical index that it picks, by identity or by position.

        Args:
          places: [n] place of each entity, counted from the left.
        """
        by_position = int(np.flatnonzero(places == self.index)[0])
        return {
            RuleKind.IDENTITY: self.index,
            RuleKind.POSITION: by_position,
        }[self.kind]

    def __str__(self):
        return f"{self.kind.value}:{self.index}" + (self.way and f":{self.way}")

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Return the rule of its `str`; raise ValueError where `text` is none."""
        kind, index, *way = text.split(":")
        return cls(RuleKind(kind), int(index), *way)
