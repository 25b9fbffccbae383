"""MuJoCo models of object sets."""

import functools

import mujoco

from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.collection.worlds.tabletop import arena, button, gripper, hand, prop
from wtl.collection.worlds.tabletop import object_set as object_sets

# Friction of the explicit object-table contact pairs while it is not lowered by the
# hidden dynamics of a task: two tangential, one torsional, two rolling.
PAIR_FRICTION = (0.8, 0.8, 0.01, 1e-4, 1e-4)

# Name of each body in the model, and its class.
BODY_NAMES = {Embodiment.ROBOT: "gripper", Embodiment.HUMAN: "hand"}
_BODIES = {Embodiment.ROBOT: gripper.Gripper, Embodiment.HUMAN: hand.Hand}


def object_name(index: int) -> str:
    """Name of the object with this canonical index in the model."""
    return f"object_{index}"


def button_name(index: int) -> str:
    """Name of the button with this canonical index in the model."""
    return f"button_{index}"


@functools.lru_cache(maxsize=4)
def _template(size: int, embodiment: Embodiment) -> str:
    """Return the MJCF of a table with `size` objects and buttons of no set."""
    table = arena.Table()
    table.attach(_BODIES[embodiment]())
    for i in range(size):
        body = prop.MovableProp(object_name(i))
        table.add_free_entity(body)
        table.mjcf_model.contact.add(
            "pair",
            name=object_name(i),
            geom1=table.surface,
            geom2=body.mjcf_model.find("geom", "geom"),
            condim=4,
            friction=PAIR_FRICTION,
            solref=(0.01, 1),
        )
        table.attach_button(button.Button(button_name(i)))
    return table.mjcf_model.to_xml_string()


@functools.lru_cache(maxsize=256)
def compile_model(
    object_set: object_sets.ObjectSet, embodiment: Embodiment = Embodiment.ROBOT
) -> mujoco.MjModel:
    """Return the model of an object set and of the body that acts on it.

    The table is built with PyMJCF once; an object set only reshapes its geoms, which
    costs milliseconds. The model is shared: copy it before changing it.
    """
    spec = mujoco.MjSpec.from_string(_template(object_set.size, embodiment))
    # Objects at rest are not simulated until they are touched: three times as fast.
    spec.option.enableflags |= mujoco.mjtEnableBit.mjENBL_SLEEP
    for i, body in enumerate(object_set.props):
        geom = spec.geom(f"{object_name(i)}/geom")
        if body.is_box:
            geom.type = mujoco.mjtGeom.mjGEOM_BOX
            geom.size = body.half_sizes
        else:
            geom.type = mujoco.mjtGeom.mjGEOM_CYLINDER
            geom.size = (body.half_sizes[0], body.half_sizes[2], 0)
        geom.mass = body.mass
        geom.rgba = (*body.rgb, 1)
    for i, rgb in enumerate(object_set.button_rgbs):
        spec.geom(f"{button_name(i)}/cap").rgba = (*rgb, 1)
    return spec.compile()
