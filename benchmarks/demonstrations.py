"""Demonstrations to record, of tasks of all families; imports no TensorFlow."""

import dataclasses

from wtl.collection.demonstration import DemonstrationRequest
from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.collection.worlds.entities.task_distribution import TRAIN, Suite
from wtl.datasets.contract import episode, fields

SIZE = 3  # objects
PER_TASK = 6  # each target in one scene, then in another


def suite(tasks: int) -> Suite:
    """Return a distribution of training tasks, each with its own object set."""
    return Suite(
        size=SIZE, train_object_sets=tasks, train_tasks=tasks, scenes_per_task=2
    )


def requests(
    tasks: int, pixels: int = 0, human: bool = False
) -> list[DemonstrationRequest]:
    """Return six requests of demonstrations per task, all families in turn.

    Args:
      tasks: number of tasks.
      pixels: height and width of the recorded images; 0 for none.
      human: whether a simulated human demonstrates.
    """
    distribution = suite(tasks)
    name = fields.WTL_HUMAN_VIDEOS if human else fields.WTL_DEMOS
    body = Embodiment.HUMAN if human else Embodiment.ROBOT
    return [
        DemonstrationRequest(
            dataclasses.replace(setup, embodiment=body),
            episode.episode_id(name, task.task_id, "demo", i, i),
            i,
            0.0 if human else 0.15,
            pixels=pixels,
        )
        for task in distribution.tasks(TRAIN)
        for i, setup in enumerate(distribution.demonstration_setups(task))
    ]
