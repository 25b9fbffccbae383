"""Task: entities, a family, a referent rule and hidden dynamics."""

import dataclasses
from typing import Any, Protocol

import numpy as np

from wtl.collection.worlds import registry
from wtl.collection.worlds.entities.disturbance import Disturbance
from wtl.collection.worlds.entities.family import Family
from wtl.collection.worlds.entities.rule import Rule, RuleKind
from wtl.collection.worlds.entities.scene_config import SceneConfig


class EntitySet(Protocol):
    """Entities in every scene of a task.

    Where there are several ways of acting on an entity, its canonical index as a target
    is `way * size + index`.

    Attributes:
      name: `SPLIT-INDEX`, unique over all splits.
      size: number of entities of each kind.
    """

    name: str
    size: int

    def scene(self, scene_seed: int) -> Any:
        """Return the initial poses of a seed.

        They have `places`, `slots` and, given a rule, `referent`, all by kind.
        """


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
      disturbance: of its sensors and actuators, if any.
      robot: name of the robot.
      onset: control steps of every episode before the gains take effect.
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
    disturbance: Disturbance | None = None
    robot: str = registry.DEFAULT_ROBOT
    onset: int = 0

    @property
    def goal(self) -> Family:
        """Family of the task."""
        return registry.get(self.domain).entities.families[self.family]

    @property
    def targets(self) -> list[int]:
        """Canonical indices of all targets that the family can have in its scenes."""
        size, present = self.object_set.size, range(self.object_set.present)
        return [way * size + i for way in self.goal.ways for i in present]

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
    def parameters(self) -> dict[str, Any]:
        """JSON-able description of the task."""
        return {
            "object_set": self.object_set.name,
            "index": self.index,
            "rule": str(self.rule or ""),
            "friction": self.friction,
            "gains": list(self.gains),
            "dynamics": list(self.puck.hidden) if self.puck else [],
        } | ({"onset": self.onset} if self.onset else {})

    @property
    def task_id(self) -> str:
        """Name of entities, family and hidden dynamics."""
        return f"{self.object_set.name}-{self.family}-{self.index}"

    @property
    def instruction(self) -> str:
        """Sentence that describes the task; it names the target by the rule."""
        return self.goal.sentence(self.rule, self.object_set.present)

    def scene(self, scene_seed: int, rule: Rule | None = None) -> SceneConfig:
        """Return the scene config in which a rule, by default the task's, is followed.

        Args:
          scene_seed: seed of the initial poses.
          rule: picks the target.
        """
        poses = self.object_set.scene(scene_seed)
        target = poses.referent(rule or self.rule, self.goal.kind)
        return SceneConfig(self, scene_seed, target)

    def scene_of(self, scene_seed: int, target: int) -> SceneConfig:
        """Return the scene config with the target of a canonical index."""
        return SceneConfig(self, scene_seed, target)

    def rule_of(self, scene_seed: int, slot: int, by_identity: bool) -> Rule:
        """Return the rule of a kind that picks the entity in a slot of a scene."""
        index = self.target_at(scene_seed, slot)
        if by_identity:
            return Rule(RuleKind.IDENTITY, index)
        poses = self.object_set.scene(scene_seed)
        return Rule(RuleKind.POSITION, int(poses.places(self.goal.kind)[index]))

    def target_at(self, scene_seed: int, slot: int) -> int:
        """Return the canonical index of the entity in a slot of a scene."""
        poses = self.object_set.scene(scene_seed)
        kind, slot = divmod(int(slot), len(poses.slots(0)))
        return int(poses.slots(kind)[slot])

    def slot_of(self, poses, index: int) -> int:
        """Return the slot of a canonical index; kinds follow each other."""
        slots = poses.slots(self.goal.kind)
        return self.goal.kind * len(slots) + int(np.flatnonzero(slots == index)[0])

    def place_of(self, poses, index: int) -> int:
        """Return the slot of a canonical index where slots are in order of place."""
        places = poses.places(self.goal.kind)
        return self.goal.kind * len(places) + int(places[index])
