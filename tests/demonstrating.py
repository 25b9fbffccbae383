"""Scripted demonstrations for tests."""

from wtl.collection.episode_request import EpisodeRequest, EpisodeShard
from wtl.collection.scripted_expert import ATTEMPTS, ScriptedExpert
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode


def request(
    scene: SceneConfig, name: str = "id", seed: int = 0, rule: str = ""
) -> EpisodeRequest:
    """A demonstration to be made."""
    return EpisodeRequest(scene, name, fields.ROLE_DEMO, seed, rule=rule)


def demonstrate(
    wanted: EpisodeRequest, noise: float = 0.0, attempts: int = ATTEMPTS
) -> Episode | None:
    """Play a demonstration; None if every attempt failed."""
    shard = EpisodeShard(ScriptedExpert(noise, attempts), (wanted,))
    return next(iter(shard.play()), None)
