"""Demonstrations to record, of tasks of all families; imports no TensorFlow."""

import dataclasses

from wtl.collection import episode_request
from wtl.collection.episode_request import EpisodeRequest, EpisodeShard
from wtl.collection.scripted_expert import ScriptedExpert
from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import episode, fields
from wtl.datasets.contract.camera import NO_CAMERA, CameraConfig

SIZE = 3  # objects
PER_TASK = 6  # each target in one scene, then in another
_SHARD = 16  # episodes played side by side


def suite(tasks: int) -> TaskDistribution:
    """Return a distribution of training tasks, each with its own object set."""
    return TaskDistribution(
        size=SIZE, train_object_sets=tasks, train_tasks=tasks, scenes_per_task=2
    )


def requests(tasks: int, human: bool = False) -> list[EpisodeRequest]:
    """Return six requests of demonstrations per task, all families in turn.

    Args:
      tasks: number of tasks.
      human: whether a simulated human demonstrates.
    """
    distribution = suite(tasks)
    name = fields.WTL_HUMAN_VIDEOS if human else fields.WTL_DEMOS
    body = Embodiment.HUMAN if human else Embodiment.ROBOT
    return [
        EpisodeRequest(
            dataclasses.replace(setup, embodiment=body),
            episode.episode_id(name, task.task_id, fields.ROLE_DEMO, i, i),
            fields.ROLE_DEMO,
            seed=i,
        )
        for task in distribution.tasks(fields.SPLIT_TRAIN)
        for i, setup in enumerate(distribution.demonstration_scenes(task))
    ]


def shards(
    wanted: list[EpisodeRequest], camera: CameraConfig = NO_CAMERA, noise: float = 0.15
) -> list[EpisodeShard]:
    """Return the shards of some demonstrations."""
    return episode_request.shards(ScriptedExpert(noise), wanted, _SHARD, camera)
