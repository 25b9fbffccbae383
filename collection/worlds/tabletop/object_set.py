"""Objects and buttons of one task: shapes, sizes, masses and colours."""

import dataclasses

from wtl.collection.worlds.entities import colours
from wtl.collection.worlds.tabletop import button
from wtl.collection.worlds.tabletop import scene as scenes
from wtl.datasets.contract import seeding

# Half sizes (x, y, z) of boxes, radius and half height of cylinders, in metres.
_BOX_LOW = (0.017, 0.018, 0.015)
_BOX_HIGH = (0.029, 0.030, 0.025)
_CYLINDER_LOW = (0.018, 0.015)
_CYLINDER_HIGH = (0.028, 0.025)
_MASS_RANGE = (0.05, 0.15)  # kg
_BOX_SHARE = 0.6
_REACH = 0.30  # metres


@dataclasses.dataclass(frozen=True)
class Prop:
    """Movable object.

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
    """Objects and buttons in every scene of a task, whatever its family.

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

    @property
    def clutter(self) -> tuple[Prop, ...]:
        """Fixed props that are no entities."""
        return ()

    @property
    def bands(self) -> int:
        """Number of goal bands."""
        return 1

    @property
    def button_radii(self) -> tuple[float, ...]:
        """Radius of each button, metres."""
        return (button.RADIUS,) * self.size

    @property
    def present(self) -> int:
        """Number of objects in the scenes."""
        return self.size

    @property
    def reach(self) -> float:
        """Largest x of the setpoint, to either side, metres."""
        return _REACH

    def scene(self, scene_seed: int) -> scenes.Scene:
        """Return the scene of a seed."""
        return scenes.draw(self.size, scene_seed)


def draw(name: str, size: int, seed: int) -> ObjectSet:
    """Draw `size` objects and buttons, a pure function of name and world seed."""
    rng = seeding.generator(seed, "object_set", name)
    props = []
    for rgb in colours.draw(rng, size):
        is_box = bool(rng.random() < _BOX_SHARE)
        low_high = (_BOX_LOW, _BOX_HIGH) if is_box else (_CYLINDER_LOW, _CYLINDER_HIGH)
        half_sizes = rng.uniform(*low_high).tolist()
        half_sizes = half_sizes if is_box else [half_sizes[0], *half_sizes]
        props.append(Prop(is_box, tuple(half_sizes), rng.uniform(*_MASS_RANGE), rgb))
    return ObjectSet(name, tuple(props), tuple(colours.draw(rng, size)))
