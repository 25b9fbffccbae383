"""Gymnasium environment as a dm_env environment.

This file too imports nothing of WTL, and may be copied beside `remote/server.py`.
"""

from __future__ import annotations  # Python 3.8 and 3.9

from typing import Any

import dm_env
import gymnasium
import numpy as np
from dm_env import specs

# Keys under which environments say in `info` whether the task is solved.
_SUCCESS = ("success", "is_success")


class SpaceError(ValueError):
    """Space that has no spec."""


class GymEnvironment(dm_env.Environment):
    """Gymnasium environment whose episode is decided by a seed.

    Attributes:
      gym: the Gymnasium environment.
      given: arguments of its resets.
      info: its last `info`.
    """

    def __init__(self, env: gymnasium.Env, seed: int | None = None):
        """Wrap an environment; `seed` is given to each of its resets."""
        self.gym = env
        self.given: dict[str, Any] = {"seed": seed}
        self.info: dict[str, Any] = {}
        self._reward = 0.0

    def reset(self) -> dm_env.TimeStep:
        """Start the episode of the seed."""
        observation, self.info = self.gym.reset(**self.given)
        self._reward = 0.0
        return dm_env.restart(observation)

    def step(self, action: np.ndarray) -> dm_env.TimeStep:
        """Apply an action in the units of the environment."""
        observation, reward, ended, cut_off, self.info = self.gym.step(action)
        self._reward = float(reward)
        if ended:
            return dm_env.termination(self._reward, observation)
        if cut_off:
            return dm_env.truncation(self._reward, observation)
        return dm_env.transition(self._reward, observation)

    def succeeded(self) -> bool:
        """Whether `info` says so; without an entry, whether the last reward is > 0."""
        for key in _SUCCESS:
            if key in self.info:
                return bool(self.info[key])
        return self._reward > 0

    def close(self):
        """Close the Gymnasium environment."""
        self.gym.close()

    def observation_spec(self):
        """Specs of the observation space, nested as it is."""
        return _spec(self.gym.observation_space, "observation")

    def action_spec(self) -> specs.Array:
        """Spec of the action space."""
        return _spec(self.gym.action_space, "action")


def _spec(space: gymnasium.Space, name: str):
    if isinstance(space, gymnasium.spaces.Dict):
        return {key: _spec(part, key) for key, part in space.spaces.items()}
    if not isinstance(space, gymnasium.spaces.Box):
        raise SpaceError(
            f"the {name} space {space} is neither a Box nor a Dict of Boxes; wrap the "
            "environment"
        )
    return specs.BoundedArray(space.shape, space.dtype, space.low, space.high, name)
