"""The tabletop as a world."""

import numpy as np

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
    teleop,
    trial_tasks,
)
from wtl.collection.worlds.tabletop.world import TRANSLATION_STEP
from wtl.collection.worlds.world import World

_NOISE_SHARE = (1.0, 1.0, 1.0, 1.0, 0.3)  # the fingers bear less


def _noise_share(task: Task) -> np.ndarray:
    share = np.array(_NOISE_SHARE)
    if task.puck:
        # The same distance in metres, whatever the robot moves per unit of action.
        share[:3] *= TRANSLATION_STEP / task.puck.stride
    return share


TABLETOP = World(
    name="tabletop",
    families=families.FAMILIES,
    noise_share=_noise_share,
    objects=object_set.draw,
    layout=observation.Layout,
    environment=environment.Manipulation,
    model=model.compile_model,
    experts=experts.DEMONSTRATORS,
    moves_as_commanded=True,
    human=human.Human,
    has_cameras=True,
    draws_dynamics=True,
    configurables={"puck": puck.PuckRanges},
    trial_tasks=trial_tasks.TabletopTasks,
    renderer=restoration.SceneRenderer(),
    teleop=teleop.GripperTeleop(),
)
