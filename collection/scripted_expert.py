"""Scripted experts of a world, or its simulated human, as an actor."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from wtl.collection import episode_loop
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.vector_environment import Observations, VectorEnvironment
from wtl.collection.worlds import registry
from wtl.collection.worlds.entities import actuator_gains
from wtl.datasets.contract import seeding
from wtl.datasets.contract.episode import Episode

ATTEMPTS = 3  # noise is drawn anew after a failure


@dataclasses.dataclass(frozen=True)
class ScriptedExpert:
    """Expert that tries until the goal is reached; see `episode_request.ActorSpec`.

    Attributes:
      noise: standard deviation of the noise on executed actions; recorded actions are
        free of it. A simulated human has noise of its own.
      attempts: number of attempts at a scene.
    """

    privileged: ClassVar[bool] = True
    noise: float = 0.0
    attempts: int = ATTEMPTS

    def play(
        self, environments: VectorEnvironment, requests: Sequence[EpisodeRequest]
    ) -> list[Episode]:
        """Return the successful episodes, in the order of the requests."""
        made: dict[str, Episode] = {}
        for attempt in range(self.attempts):
            left = [
                dataclasses.replace(
                    request,
                    scene=dataclasses.replace(request.scene, attempt=f"demo {attempt}"),
                )
                for request in requests
                if request.episode_id not in made
            ]
            if not left:
                break
            played = episode_loop.play(environments, _Attempt(self, attempt), left)
            made |= {e.id: e for e in played if e.metadata["success"]}
        return [made[r.episode_id] for r in requests if r.episode_id in made]


class _Attempt:
    """Attempt at N scenes; see `episode_loop.Actor`."""

    def __init__(self, expert: ScriptedExpert, attempt: int):
        self._noise = expert.noise
        self._attempt = attempt

    def begin(self, environments, requests, observed):
        del observed
        self._environments = environments.environments
        self._experts = [_expert(request, self._attempt) for request in requests]
        self._rngs = [
            seeding.generator(request.seed, "noise", self._attempt)
            for request in requests
        ]
        self._shares = [
            registry.get(request.scene.task.domain).noise_share(request.scene.task)
            for request in requests
        ]

    def act(self, observed: Observations) -> tuple[np.ndarray, np.ndarray]:
        del observed
        executed, recorded = [], []
        for env, expert, rng, share in zip(
            self._environments, self._experts, self._rngs, self._shares, strict=True
        ):
            gains = env.scene_config.gains
            command = expert(env.world, env.scene_config.target)
            scale = self._noise * command.noise * share
            action = command.action + scale * rng.standard_normal(len(scale))
            executed.append(actuator_gains.command(action, gains))
            recorded.append(actuator_gains.command(command.action, gains))
        return np.stack(executed), np.stack(recorded)

    def metadata(self, request: EpisodeRequest) -> dict[str, Any]:
        human = request.scene.is_human
        return {"demonstrator": "simulated_human" if human else "scripted"}


def _expert(request: EpisodeRequest, attempt: int):
    """Return the expert of an episode: (physics, index of the target) -> command."""
    world, task = registry.get(request.scene.task.domain), request.scene.task
    if request.scene.is_human:
        return world.human(
            task.family, seeding.generator(request.seed, "human", attempt)
        )
    return world.experts[task.family]
