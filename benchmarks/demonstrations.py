"""Demonstrations to be played, of tasks of all families."""

import dataclasses
import pathlib

from wtl.collection import recorder, vector_environment
from wtl.collection.demonstration import DemonstrationRequest
from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.collection.worlds.entities.task_distribution import TRAIN, Suite
from wtl.datasets.contract import episode, fields
from wtl.datasets.storage import new_version

SIZE = 3
PER_TASK = 6  # of each target in one scene, then in another


def requests(
    tasks: int, pixels: int = 0, human: bool = False
) -> list[DemonstrationRequest]:
    """Six demonstrations of each task; every five tasks are of all families.

    Args:
      tasks: how many, each with an object set of its own.
      pixels: height and width of the images to record; 0 for none.
      human: whether a simulated human demonstrates.
    """
    suite = Suite(
        size=SIZE, train_object_sets=tasks, train_tasks=tasks, scenes_per_task=2
    )
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
        for task in suite.tasks(TRAIN)
        for i, setup in enumerate(suite.demonstration_setups(task))
    ]


def publish(root: pathlib.Path, wanted: list[DemonstrationRequest]) -> pathlib.Path:
    """Plays and publishes what is wanted; returns the folder of the version."""
    spec = recorder.episode_spec(SIZE)
    with new_version.new_version(root, fields.WTL_DEMOS, spec) as version:
        for batch in vector_environment.demonstrate_all(wanted, workers=2):
            version.writer.append([played for played, _ in batch if played])
        return version.publish("Demonstrations.", {})
