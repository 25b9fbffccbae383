"""The objects and buttons of one task: shapes, sizes, masses and colours."""

import dataclasses

import numpy as np

from wtl.collection.worlds.tabletop import scene as scenes
from wtl.datasets.contract import seeding

# Half sizes (x, y, z) of boxes, radius and half height of cylinders, in metres.
_BOX_LOW = (0.017, 0.018, 0.015)
_BOX_HIGH = (0.029, 0.030, 0.025)
_CYLINDER_LOW = (0.018, 0.015)
_CYLINDER_HIGH = (0.028, 0.025)
_MASS_RANGE = (0.05, 0.15)  # kg
_BOX_SHARE = 0.6
_MIN_COLOUR_DISTANCE = 0.4  # Euclidean, in RGB of [0, 1]


@dataclasses.dataclass(frozen=True)
class Prop:
    """One object that can be moved.

    Attributes:
      is_box: a box, or else an upright cylinder.
      half_sizes: half extents along x, y, z in metres.
      mass: in kilograms.
      rgb: colour in [0, 1].
    """

    is_box: bool
    half_sizes: tuple[float, float, float]
    mass: float
    rgb: tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class ObjectSet:
    """What lies on the table in every scene of a task, whatever its family.

    Attributes:
      name: `SPLIT-INDEX`, unique over all splits.
      props: the movable objects; their order is the canonical object index.
      button_rgbs: one colour per button; their order is the canonical button index.
    """

    name: str
    props: tuple[Prop, ...]
    button_rgbs: tuple[tuple[float, float, float], ...]

    @property
    def size(self) -> int:
        """Number of objects, which is also the number of buttons."""
        return len(self.props)

    def scene(self, scene_seed: int) -> scenes.Scene:
        """Where everything lies in the scene of a seed."""
        return scenes.draw(self.size, scene_seed)


def draw(name: str, size: int, seed: int) -> ObjectSet:
    """Draws an object set.

    Args:
      name: the name of the set, which takes part in its seed.
      size: number of objects and of buttons.
      seed: world seed.

    Returns:
      The object set, a pure function of the arguments.
    """
    rng = seeding.generator(seed, "object_set", name)
    props = []
    for rgb in distinct_colours(rng, size):
        is_box = bool(rng.random() < _BOX_SHARE)
        if is_box:
            half_sizes = rng.uniform(_BOX_LOW, _BOX_HIGH)
        else:
            radius, half_height = rng.uniform(_CYLINDER_LOW, _CYLINDER_HIGH)
            half_sizes = np.array([radius, radius, half_height])
        props.append(
            Prop(is_box, tuple(half_sizes.tolist()), rng.uniform(*_MASS_RANGE), rgb)
        )
    return ObjectSet(name, tuple(props), tuple(distinct_colours(rng, size)))


def distinct_colours(
    rng: np.random.Generator, count: int
) -> list[tuple[float, float, float]]:
    """Draws colours in RGB of [0, 1] that are well apart."""
    while True:
        colours = rng.uniform(0.05, 1.0, (count, 3))
        distances = np.linalg.norm(colours[:, None] - colours[None], axis=-1)
        if distances[np.triu_indices(count, 1)].min(initial=1) > _MIN_COLOUR_DISTANCE:
            return [tuple(colour) for colour in colours.tolist()]
