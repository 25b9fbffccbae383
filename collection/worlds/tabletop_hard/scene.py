"""Initial poses of up to five objects and buttons, in free places."""

import dataclasses
import functools
from typing import NamedTuple

import numpy as np

from wtl.collection.worlds.entities.family import Family
from wtl.collection.worlds.entities.rule import Rule
from wtl.collection.worlds.tabletop import scene as scenes
from wtl.collection.worlds.tabletop_hard import rules
from wtl.datasets.contract import seeding
from wtl.datasets.contract.errors import UserError

# Metres and radians.
_NARROW_SLOTS = 5  # the most that fit in the narrow spread
_OBJECT_GAP = 0.10  # the open fingers fit between two objects
_ANCHOR_GAP = 0.14  # between the objects to its left and right
_OBJECT_Y = (-0.06, 0.02)
_YAW = (-0.4, 0.4)
_BUTTON_GAP = 0.095
_BUTTON_Y = (-0.245, -0.195)
_ANCHOR_Y = (0.14, 0.17)
_GOAL_Y = (0.40, 0.50)
_GRIPPER_LOW = (-0.2, -0.15, 0.10, -0.3)
_GRIPPER_HIGH = (0.2, 0.10, 0.16, 0.3)
_ORDERED = 0.004  # smallest difference of two distances that rules compare
_DRAWS = 10_000  # more than any scene ever took
RESET_ROOM = 0.011  # of each object, until the largest two could touch
ABSENT_Y = -1.5  # of entities that are not in the scene: out of view and reach


class Spread(NamedTuple):
    """Largest x to either side, metres.

    Attributes:
      entities: of objects and buttons.
      setpoint: of the gripper's setpoint; fingers stand behind what they push.
    """

    entities: float
    setpoint: float


_NARROW, _WIDE = Spread(0.235, 0.30), Spread(0.345, 0.44)


def spread(size: int) -> Spread:
    """Return how far scenes of `size` slots reach."""
    return _NARROW if size <= _NARROW_SLOTS else _WIDE


@dataclasses.dataclass(frozen=True, eq=False)
class Scene(scenes.Scene):
    """See the base class; entities from number `present` on are not in the scene."""

    present: int = 0

    @functools.cached_property
    def picked(self) -> np.ndarray:
        """[kinds of entities, H, n] canonical index that each rule picks, or -1."""
        n = len(self.object_places)
        there = (np.arange(n) < self.present).astype(float)
        found = [
            rules.picks(np, position[:, :2], there, self.anchor)
            for position in (self.object_poses, self.button_positions)
        ]
        return np.where(np.sum(found, -1) > 0, np.argmax(found, -1), -1)

    def readings(self, goal: Family) -> np.ndarray:
        """[H, n] canonical index of the target that each rule picks, or -1."""
        return self.picked[goal.kind]

    def referent(self, rule: Rule, kind: int) -> int:
        """See the base class; rules of all kinds are known."""
        return int(self.picked[kind, rules.KINDS.index(rule.kind), rule.index])

    def displaced(self, error: float, seed: int) -> "Scene":
        """See the base class; every rule picks the same entity as before."""
        for number in range(_DRAWS):
            scene = super().displaced(error, seeding.derive_seed(seed, number))
            if (scene.picked == self.picked).all():
                return scene
        return self


def draw(size: int, present: int, scene_seed: int) -> Scene:
    """Draw a scene of `present` objects and buttons in `size` slots of each.

    Raises:
      UserError: if no such scene is found.
    """
    rng = seeding.generator("hard scene", scene_seed)
    most = spread(size).entities
    for _ in range(_DRAWS):
        gaps = np.full(present - 1, _OBJECT_GAP)
        beside = rng.integers(present - 1)
        gaps[beside] = _ANCHOR_GAP
        xs = _columns(rng, gaps, most)
        anchor = np.array([xs[beside : beside + 2].mean(), rng.uniform(*_ANCHOR_Y)])
        objects = np.stack([xs, _rows(rng, present, _OBJECT_Y)], axis=1)
        xs = _columns(rng, np.full(present - 1, _BUTTON_GAP), most)
        buttons = np.stack([xs, _rows(rng, present, _BUTTON_Y)], axis=1)
        if _ordered(objects, anchor) and _ordered(buttons, anchor):
            break
    else:
        raise UserError(f"no places for {present} objects were found; lower suite.size")
    yaw = rng.uniform(*_YAW, (size, 1))
    object_order, button_order = rng.permutation(present), rng.permutation(present)
    absent = size - present
    return Scene(
        object_places=np.append(object_order, np.arange(present, size)),
        button_places=np.append(button_order, np.arange(present, size)),
        object_slots=rng.permutation(size),
        button_slots=rng.permutation(size),
        object_poses=np.append(_placed(objects[object_order], absent), yaw, axis=1),
        button_positions=_placed(buttons[button_order], absent, 0.3),
        anchor=anchor,
        goal=float(rng.uniform(*_GOAL_Y)),
        gripper=rng.uniform(_GRIPPER_LOW, _GRIPPER_HIGH),
        present=present,
    )


def _columns(rng, gaps: np.ndarray, most: float) -> np.ndarray:
    """[n] x from left to right within `most`, at least `gaps` [n - 1] apart."""
    slack = 2 * most - gaps.sum()
    free = slack * rng.dirichlet(np.ones(len(gaps) + 2))
    return -most + np.cumsum(free[:-1]) + np.append(0, np.cumsum(gaps))


def _rows(rng, count: int, limits: tuple[float, float]) -> np.ndarray:
    """[n] y in a random order, clearly apart."""
    low, high = limits
    step = (high - low) / count
    middle = low + step * (rng.permutation(count) + 0.5)
    return middle + rng.uniform(-0.3, 0.3, count) * step


def _ordered(places: np.ndarray, anchor: np.ndarray) -> bool:
    """Whether no rule has to compare distances that are nearly equal."""
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    apart = np.sort(apart, axis=1)[:, 1:]  # without that to itself
    to_anchor = np.sort(np.linalg.norm(places - anchor, axis=1))
    compared = (to_anchor, apart[:, :2], apart[:, -2:])
    return min(np.diff(each).min() for each in compared) > _ORDERED


def _placed(places: np.ndarray, absent: int, behind: float = 0.0) -> np.ndarray:
    """[size, 2] places, then those of absent entities, which do not touch."""
    x = 0.3 * np.arange(absent)
    out = np.stack([x, np.full(absent, ABSENT_Y - behind)], axis=1)
    return np.concatenate([places, out])
