"""Environments of a world as Gymnasium environments."""

import dataclasses
from typing import Any

import gymnasium
import numpy as np
from dm_env import specs
from gymnasium import spaces

from wtl.api.environments import make_env
from wtl.collection.worlds import registry
from wtl.collection.worlds.world import Environment


class GymEnv(gymnasium.Env):
    """Environment of a world as a Gymnasium environment.

    Each `reset` starts a scene of the task, drawn with the seed. At the end of an
    episode `info["success"]` is the outcome, before it is False.
    """

    def __init__(self, env: Environment):
        """Wrap an environment of `wtl.make_env`."""
        self.env = env
        self.observation_space = spaces.Dict(
            {name: _space(spec) for name, spec in env.observation_spec().items()}
        )
        self.action_space = _space(env.action_spec())

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Start an episode; there are no options."""
        super().reset(seed=seed)
        scene_seed = int(self.np_random.integers(2**31))
        self.env.prepare(
            dataclasses.replace(self.env.scene_config, scene_seed=scene_seed)
        )
        return self.env.reset().observation, {"success": False}

    def step(self, action: np.ndarray) -> tuple[dict, float, bool, bool, dict]:
        """Apply an action; an end with a discount above 0 is a truncation."""
        timestep = self.env.step(action)
        ended = timestep.last()
        return (
            timestep.observation,
            float(timestep.reward),
            ended and timestep.discount == 0,
            ended and timestep.discount > 0,
            {"success": ended and timestep.reward > 0},
        )

    def close(self):
        """End the process of an environment with images."""
        self.env.close()


def make_gym_env(world: str = registry.DEFAULT, **settings) -> GymEnv:
    """Return a Gymnasium environment of one task of a world.

    Args:
      world: name of the world.
      **settings: those of `wtl.make_env`.

    Raises:
      UserError: as `wtl.make_env` does.
    """
    return GymEnv(make_env(world, **settings))


def _space(spec: specs.Array) -> spaces.Box:
    bounded = isinstance(spec, specs.BoundedArray)
    low, high = (spec.minimum, spec.maximum) if bounded else (-np.inf, np.inf)
    return spaces.Box(
        np.broadcast_to(low, spec.shape).astype(spec.dtype),
        np.broadcast_to(high, spec.shape).astype(spec.dtype),
        dtype=spec.dtype,
    )
