"""MuJoCo models of object sets."""

import functools

import mujoco

from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.collection.worlds.tabletop import arena, arm, button, gripper, hand, prop
from wtl.collection.worlds.tabletop import object_set as object_sets

# Friction of the explicit object-table contact pairs while it is not lowered by the
# hidden dynamics of a task: two tangential, one torsional, two rolling.
PAIR_FRICTION = (0.8, 0.8, 0.01, 1e-4, 1e-4)

# Names of the robots; the first is the default.
ROBOTS = ("free", "ur10e")
# Name of each body in the model, its class and its control, by `SceneConfig.body`.
BODY_NAMES = {"free": "gripper", "ur10e": "ur10e", Embodiment.HUMAN: "hand"}
_BODIES = {"free": gripper.Gripper, "ur10e": arm.Arm, Embodiment.HUMAN: hand.Hand}
CONTROLS = {
    "free": gripper.FreeControl,
    "ur10e": arm.ArmControl,
    Embodiment.HUMAN: gripper.FreeControl,
}


def object_name(index: int) -> str:
    """Name of the object with this canonical index in the model."""
    return f"object_{index}"


def button_name(index: int) -> str:
    """Name of the button with this canonical index in the model."""
    return f"button_{index}"


def clutter_name(index: int) -> str:
    """Name of a prop that is no entity in the model."""
    return f"clutter_{index}"


@functools.lru_cache(maxsize=4)
def _template(size: int, body: str, bands: int, clutter: int) -> str:
    """Return the MJCF of a table with `size` objects and buttons of no set."""
    table = arena.Table()
    table.attach(_BODIES[body]())
    for i in range(size):
        item = prop.MovableProp(object_name(i))
        table.add_free_entity(item)
        table.mjcf_model.contact.add(
            "pair",
            name=object_name(i),
            geom1=table.surface,
            geom2=item.mjcf_model.find("geom", "geom"),
            condim=4,
            friction=PAIR_FRICTION,
            solref=(0.01, 1),
        )
        table.attach_button(button.Button(button_name(i)))
    if bands > 1:
        table.add_second_band()
    for i in range(clutter):
        table.add_clutter(clutter_name(i))
    return table.mjcf_model.to_xml_string()


@functools.lru_cache(maxsize=256)
def compile_model(
    object_set: object_sets.ObjectSet, body: str = ROBOTS[0]
) -> mujoco.MjModel:
    """Return the model of an object set and of the body that acts on it.

    The table is built with PyMJCF once; an object set only reshapes its geoms, which
    costs milliseconds. The model is shared: copy it before changing it.
    """
    parts = (object_set.size, body, object_set.bands, len(object_set.clutter))
    spec = mujoco.MjSpec.from_string(_template(*parts))
    # Objects at rest are not simulated until they are touched: three times as fast.
    spec.option.enableflags |= mujoco.mjtEnableBit.mjENBL_SLEEP
    for i, item in enumerate(object_set.props):
        geom = spec.geom(f"{object_name(i)}/geom")
        _shape(geom, item)
        geom.mass = item.mass
    caps = zip(object_set.button_rgbs, object_set.button_radii, strict=True)
    for i, (rgb, radius) in enumerate(caps):
        geom = spec.geom(f"{button_name(i)}/cap")
        geom.rgba, geom.size = (*rgb, 1), (radius, button.HALF_HEIGHT, 0)
    for i, item in enumerate(object_set.clutter):
        _shape(spec.geom(clutter_name(i)), item)
    return spec.compile()


def _shape(geom: mujoco.MjsGeom, item: object_sets.Prop):
    """Give a geom the shape and colour of a prop."""
    if item.is_box:
        geom.type = mujoco.mjtGeom.mjGEOM_BOX
        geom.size = item.half_sizes
    else:
        geom.type = mujoco.mjtGeom.mjGEOM_CYLINDER
        geom.size = (item.half_sizes[0], item.half_sizes[2], 0)
    geom.rgba = (*item.rgb, 1)
