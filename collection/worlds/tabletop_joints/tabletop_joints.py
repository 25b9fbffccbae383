"""The tabletop with an arm that is commanded by its joints, as a world."""

import numpy as np

from wtl.collection.worlds.entities.entity_structure import EntityStructure
from wtl.collection.worlds.entities.expert import Command, Expert
from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.tabletop import (
    environment,
    experts,
    families,
    model,
    object_set,
    restoration,
    scene,
)
from wtl.collection.worlds.tabletop_joints import observation, teleop, world

# As far as the noise on the tabletop's actions moves the fingers, about 1 m from the
# base; it tilts the gripper too.
_NOISE_SHARE = np.array([0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 0.3])


class Manipulation(environment.Manipulation):
    """See the base class."""

    axes = world.AXES
    rest = (0.0,) * 6 + (1.0,)  # the fingers stay closed
    layouts = observation.Layout
    worlds = world.World


def _by_joints(act: Expert) -> Expert:
    """Return the expert of a family for joints, given that for the gripper's pose."""

    def command(world: world.World, index: int) -> Command:
        wanted = act(world, index)
        return Command(world.action_of(wanted.action), wanted.noise)

    return command


def _noise_share(task: Task) -> np.ndarray:
    del task
    return _NOISE_SHARE


TABLETOP_JOINTS = EntityStructure(
    families=families.FAMILIES,
    objects=object_set.draw,
    layout=observation.Layout,
    environment=Manipulation,
    model=model.compile_model,
    experts={name: _by_joints(act) for name, act in experts.DEMONSTRATORS.items()},
    noise_share=_noise_share,
    reset_room=scene.RESET_ROOM,
    robots=("ur10e",),
).world(
    "tabletop_joints",
    has_cameras=True,
    moves_as_commanded=True,
    renderer=restoration.SceneRenderer(observation.Layout),
    teleop=teleop.JointTeleop(),
)
