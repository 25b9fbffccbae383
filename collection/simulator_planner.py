"""Planners whose model is the simulator itself: what a perfect model is worth."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from wtl.collection import episode_loop
from wtl.collection.episode_request import EpisodeRequest
from wtl.collection.vector_environment import Observations, VectorEnvironment
from wtl.collection.worlds import registry
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import Episode
from wtl.policies.planner.config import PlannerConfig

# Name in tables -> whether the fault is known.
BOUNDS = {"simulator": True, "simulator_without_fault": False}


@dataclasses.dataclass(frozen=True)
class SimulatorPlanner:
    """Planner that rehearses actions in the simulator, see `World.rehearse`.

    See `episode_request.ActorSpec`.

    Attributes:
      planner: configuration of the planner.
      with_fault: whether rehearsals have the fault that holds.
    """

    privileged: ClassVar[bool] = True
    planner: PlannerConfig
    with_fault: bool

    def play(
        self, environments: VectorEnvironment, requests: Sequence[EpisodeRequest]
    ) -> list[Episode]:
        """Play requests side by side; return an episode of each."""
        return episode_loop.play(environments, _Rehearsals(self), requests)


class _Rehearsals:
    """Plans of N episodes; see `episode_loop.Actor`."""

    def __init__(self, spec: SimulatorPlanner):
        self._config, self._with_fault = spec.planner, spec.with_fault

    def begin(self, environments, requests, observed):
        """Start with plans of no action."""
        del observed
        world = registry.get(requests[0].scene.task.domain)
        low, high = world.spec.action.minimum, world.spec.action.maximum
        self._middle, self._half = (high + low) / 2, (high - low) / 2
        self._rehearse, self._environments = world.rehearse, environments.environments
        shape = len(requests), self._config.horizon, *world.spec.action.shape
        self._plans, self._step = np.zeros(shape, np.float32), 0

    def act(self, observed: Observations) -> tuple[np.ndarray, None]:
        """Return the first actions of better plans."""
        # Imported late: experts play without TensorFlow.
        from wtl.policies.planner import optimiser

        del observed
        noise = optimiser.draw_noise(self._config, self._plans.shape[-1], self._step)
        for i, environment in enumerate(self._environments):
            if environment.timestep.last():
                continue
            self._plans[i] = optimiser.optimise(
                lambda actions, e=environment: self._returns(e, actions.numpy()),
                self._plans[i : i + 1],
                noise,
                self._config,
            )[0]
        actions = self._native(self._plans[:, 0])
        following = np.zeros_like(self._plans[:, :1])
        self._plans = np.concatenate([self._plans[:, 1:], following], axis=1)
        self._step += 1
        return actions, None

    def metadata(self, request: EpisodeRequest) -> dict[str, Any]:
        """Return the demonstrator, since no policy acts."""
        del request
        return {fields.DEMONSTRATOR: "simulator"}

    def _returns(self, environment, actions: np.ndarray) -> np.ndarray:
        """Return the returns [1, N] of fractions [1, N, H, A] from here on."""
        rewards, ends = self._rehearse(
            environment.native, self._native(actions[0]), self._with_fault
        )
        rewards = rewards - self._config.end_cost * ends
        weights = self._config.discount ** np.arange(rewards.shape[1])
        return (rewards @ weights)[None].astype(np.float32)

    def _native(self, actions: np.ndarray) -> np.ndarray:
        """Return actions in the world's units of fractions in [-1, 1]."""
        return self._middle + self._half * actions
