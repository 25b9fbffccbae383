"""Scripted experts of a world, or its simulated human, as an actor."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from wtl.collection import episode_loop
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.vector_environment import Observations, VectorEnvironment
from wtl.collection.worlds import registry
from wtl.datasets.contract import seeding
from wtl.datasets.contract.episode import Episode

ATTEMPTS = 3  # noise is drawn anew after a failure

CLEAN, EXECUTED = RECORDED = ("clean", "executed")


@dataclasses.dataclass(frozen=True)
class ScriptedExpert:
    """Expert that tries until the goal is reached; see `episode_request.ActorSpec`.

    Attributes:
      noise: standard deviation of the noise on executed actions. A simulated human has
        noise of its own.
      attempts: number of attempts at a scene.
      recorded: whether recorded actions are `clean` of that noise, or as `executed`.
    """

    privileged: ClassVar[bool] = True
    noise: float = 0.0
    attempts: int = ATTEMPTS
    recorded: str = CLEAN

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
        self._recorded = expert.recorded
        self._attempt = attempt

    def begin(self, environments, requests, observed):
        del observed
        self._environments = environments.environments
        self._experts = [
            registry.get(request.scene.task.domain).expert(
                request.scene, seeding.generator(request.seed, "human", self._attempt)
            )
            for request in requests
        ]
        self._rngs = [
            seeding.generator(request.seed, "noise", self._attempt)
            for request in requests
        ]

    def act(self, observed: Observations) -> tuple[np.ndarray, np.ndarray | None]:
        del observed
        commands = [
            expert(env, self._noise, rng)
            for env, expert, rng in zip(
                self._environments, self._experts, self._rngs, strict=True
            )
        ]
        executed = np.stack([command.executed for command in commands])
        if self._recorded == EXECUTED:
            return executed, None
        return executed, np.stack([command.recorded for command in commands])

    def metadata(self, request: EpisodeRequest) -> dict[str, Any]:
        human = request.scene.is_human
        return {"demonstrator": "simulated_human" if human else "scripted"}
