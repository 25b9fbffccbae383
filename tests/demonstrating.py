"""Scripted demonstrations for tests."""

from wtl.collection.episode_request import EpisodeRequest, EpisodeShard
from wtl.collection.scripted_expert import ATTEMPTS, ScriptedExpert
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.task_distribution import TaskDistribution
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode, episode_id


def request(
    scene: SceneConfig, name: str = "id", seed: int = 0, rule: str = ""
) -> EpisodeRequest:
    """A demonstration to be made."""
    return EpisodeRequest(scene, name, fields.ROLE_DEMO, seed, rule=rule)


def requests(
    suite: TaskDistribution, family: str, purpose: str
) -> list[EpisodeRequest]:
    """A demonstration of each test task of a family, in a scene drawn for a purpose."""
    tasks = [task for task in suite.tasks(fields.SPLIT_TEST) if task.family == family]
    return [
        request(
            task.scene(suite.scene_seed(task, purpose, 0)),
            episode_id(fields.WTL_DEMOS, task.task_id, fields.ROLE_DEMO, 0, i),
            seed=i,
        )
        for i, task in enumerate(tasks)
    ]


def demonstrate(
    wanted: EpisodeRequest, noise: float = 0.0, attempts: int = ATTEMPTS
) -> Episode | None:
    """Play a demonstration; None if every attempt failed."""
    shard = EpisodeShard(ScriptedExpert(noise, attempts), (wanted,))
    return next(iter(shard.play()), None)
