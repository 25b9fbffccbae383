"""Initial poses, and what else differs between the scenes of a task."""

import dataclasses
import functools

import numpy as np

from wtl.collection.worlds.entities.family import Family
from wtl.collection.worlds.entities.rule import Rule
from wtl.collection.worlds.tabletop_hard import scene as scenes
from wtl.collection.worlds.tabletop_rich import rules
from wtl.datasets.contract import seeding

# Metres.
_NEAR_Y = (0.34, 0.37)  # of the middle of the nearer band
_BETWEEN_BANDS = (0.18, 0.20)
_OBJECT_SIZES = (0.018, 0.029)  # mean horizontal half size, smallest and largest
BUTTON_SIZES = (0.016, 0.026)  # radius
_SIZE_JITTER = 0.25  # of the step from one size to the next
# Clutter keeps away from lanes of slides, the anchor, and the ways of pushes past the
# other objects. Most of what is left is beside the objects.
_CLUTTER_X = (-0.40, 0.40)
_CLUTTER_YS = ((-0.10, 0.02), (0.23, 0.33))
_FROM_LANE = 0.085  # between the middle of a prop and that of an object, sideways
_BETWEEN_CLUTTER = 0.07
_CLUTTER_DRAWS = 30  # for each prop; a scene may have room for fewer


@dataclasses.dataclass(frozen=True, eq=False)
class Scene(scenes.Scene):
    """See the base class; `goal` is y of the middle of the green band.

    Attributes:
      blue: y of the middle of the blue band, metres.
      object_sizes: [n] mean horizontal half size of each object, metres.
      button_sizes: [n] radius of each button, metres.
      clutter: [C, 2] x, y of props that are no entities, metres.
    """

    blue: float = 0.0
    object_sizes: np.ndarray | None = None
    button_sizes: np.ndarray | None = None
    clutter: np.ndarray | None = None

    @functools.cached_property
    def picked(self) -> np.ndarray:
        """See the base class."""
        there = np.arange(len(self.object_places)) < self.present
        found = [
            rules.picks(np, position[:, :2], there.astype(float), self.anchor, size)
            for position, size in (
                (self.object_poses, self.object_sizes),
                (self.button_positions, self.button_sizes),
            )
        ]
        return np.where(np.sum(found, -1) > 0, np.argmax(found, -1), -1)

    @functools.cached_property
    def ways(self) -> np.ndarray:
        """[M] way that each rule for the way picks."""
        return rules.ways(np, np.array(self.goal), np.array(self.blue)).argmax(axis=-1)

    def slots(self, kind: int) -> np.ndarray:
        """[W n] canonical index of the target in each slot of a kind."""
        return _by_way(super().slots(kind))

    def places(self, kind: int) -> np.ndarray:
        """[W n] place of each target of a kind, those of one way after another."""
        return _by_way(super().places(kind))

    def readings(self, goal: Family) -> np.ndarray:
        """[H, n, M] canonical index of the target that each rule picks, or -1."""
        entity = self.picked[goal.kind][..., None]
        fits = [rule in (goal.way_rules or ("",)) for rule in rules.WAY_RULES]
        target = self.ways * len(self.object_places) + entity
        return np.where((entity >= 0) & fits, target, -1)

    def referent(self, rule: Rule, kind: int) -> int:
        """See the base class; a target is an entity acted on in a way."""
        way = self.ways[rules.WAY_RULES.index(rule.way)]
        entity = self.picked[kind, rules.KINDS.index(rule.kind), rule.index]
        return int(way * len(self.object_places) + entity)

    def dressed(self, objects):
        """See the base class: sizes differ between scenes."""
        props = []
        for prop, size in zip(objects.props, self.object_sizes, strict=True):
            shape = np.array(prop.half_sizes)
            shape[:2] *= size / shape[:2].mean()
            props.append(dataclasses.replace(prop, half_sizes=tuple(shape.tolist())))
        radii = tuple(self.button_sizes.tolist())
        return dataclasses.replace(objects, props=tuple(props), button_radii=radii)


@functools.lru_cache(maxsize=256)
def draw(size: int, present: int, clutter: tuple[int, int], scene_seed: int) -> Scene:
    """Draw a scene of `present` objects and buttons in `size` slots of each.

    Args:
      size: number of slots.
      present: number of objects, and of buttons.
      clutter: number of props that are no entities, at most, and of their slots.
      scene_seed: of the scene.
    """
    drawn = scenes.draw(size, present, scene_seed)
    rng = seeding.generator("rich scene", scene_seed)
    near = rng.uniform(*_NEAR_Y)
    bands = rng.permutation([near, near + rng.uniform(*_BETWEEN_BANDS)])
    known = {name: getattr(drawn, name) for name in drawn.__dataclass_fields__}
    known |= {"goal": float(bands[0]), "blue": float(bands[1])}
    return Scene(
        **known,
        object_sizes=_sizes(rng, present, size, _OBJECT_SIZES),
        button_sizes=_sizes(rng, present, size, BUTTON_SIZES),
        clutter=_clutter(rng, drawn, *clutter),
    )


def _by_way(index: np.ndarray) -> np.ndarray:
    """[W n] indices of targets in all ways, given those [n] of entities."""
    return (np.arange(len(rules.WAYS))[:, None] * len(index) + index).ravel()


def _sizes(rng, present: int, count: int, limits: tuple[float, float]) -> np.ndarray:
    """[count] sizes in a random order, those of the first `present` clearly apart."""
    step = (limits[1] - limits[0]) / (present - 1)
    ladder = limits[0] + step * rng.permutation(present)
    sizes = np.clip(ladder + rng.uniform(-1, 1, present) * _SIZE_JITTER * step, *limits)
    return np.append(sizes, np.full(count - present, limits[0]))


def _clutter(rng, scene: scenes.Scene, count: int, places: int) -> np.ndarray:
    """[places, 2] positions of up to `count` props, the others out of view."""
    lanes = np.append(scene.object_poses[: scene.present, 0], scene.anchor[0])
    found = []
    for _ in range(_CLUTTER_DRAWS * count):
        if len(found) == count:
            break
        x = rng.uniform(*_CLUTTER_X)
        at = np.array([x, rng.uniform(*_CLUTTER_YS[rng.integers(2)])])
        apart = [np.linalg.norm(at - other) for other in found]
        if abs(lanes - x).min() > _FROM_LANE and min(apart, default=1) > (
            _BETWEEN_CLUTTER
        ):
            found.append(at)
    out_of_view = [(0.3 * i, 2 * scenes.ABSENT_Y) for i in range(len(found), places)]
    return np.array([*found, *out_of_view])
