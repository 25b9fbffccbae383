"""The tabletop as a world."""

import functools
import importlib

import numpy as np

from wtl.collection.worlds.entities.entity_structure import EntityStructure
from wtl.collection.worlds.entities.task import Task
from wtl.collection.worlds.tabletop import (
    environment,
    experts,
    families,
    human,
    model,
    object_set,
    observation,
    puck,
    restoration,
    scene,
    strike_tasks,
    teleop,
    trial_tasks,
)
from wtl.collection.worlds.tabletop.world import TRANSLATION_STEP

_NOISE_SHARE = (1.0, 1.0, 1.0, 1.0, 0.3)  # the fingers bear less


def noise_share(task: Task) -> np.ndarray:
    """Return the share of exploration noise of each dimension of the action."""
    share = np.array(_NOISE_SHARE)
    if task.puck:
        # The same distance in metres, whatever the robot moves per unit of action.
        share[:3] *= TRANSLATION_STEP / task.puck.stride
    return share


TABLETOP = EntityStructure(
    families=families.FAMILIES,
    objects=object_set.draw,
    layout=observation.Layout,
    environment=environment.Manipulation,
    model=model.compile_model,
    experts=experts.DEMONSTRATORS,
    noise_share=noise_share,
    human=human.Human,
    draws_dynamics=True,
    reset_room=scene.RESET_ROOM,
    robots=model.ROBOTS,
).world(
    "tabletop",
    has_cameras=True,
    moves_as_commanded=True,
    trial_tasks=trial_tasks.TabletopTasks,
    strike_tasks=strike_tasks.StrikeTasks,
    renderer=restoration.SceneRenderer(),
    teleop=teleop.GripperTeleop(),
    perception=functools.partial(
        importlib.import_module, "wtl.collection.worlds.tabletop.perception.model"
    ),
    configurables={"puck": puck.PuckRanges},
)
