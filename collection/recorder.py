"""Recorder of episodes of an environment."""

import dm_env
import numpy as np

from wtl.collection.worlds import registry
from wtl.collection.worlds.world import Environment
from wtl.datasets.contract import episode as episodes
from wtl.datasets.contract import fields


class Recorder:
    """Recorder of the steps of one episode of an environment."""

    def __init__(self, env: Environment):
        """Record `env`, whose episodes start with `start`."""
        self._env = env
        action = env.action_spec()
        self._low, self._high = action.minimum, action.maximum

    def start(self, timestep: dm_env.TimeStep):
        """Begin with the timestep of a reset."""
        self._observed = {
            name: [] for name in self._env.stored if name in timestep.observation
        }
        self._recorded = {name: [] for name in self._env.recorded()}
        self._actions, self._rewards = [], []
        self._observe(timestep)

    def add(self, action: np.ndarray, timestep: dm_env.TimeStep):
        """Add the action taken at the last state, and the next timestep."""
        self._observe(timestep)
        self._actions.append(np.clip(action, self._low, self._high))
        self._rewards.append(timestep.reward)
        self._last = timestep

    def _observe(self, timestep: dm_env.TimeStep):
        for name, values in self._observed.items():
            values.append(timestep.observation[name])
        for name, value in self._env.recorded().items():
            self._recorded[name].append(value)

    def episode(self, success: bool | None = None, **metadata) -> episodes.Episode:
        """Return the episode so far; of the simulated human, one without actions.

        Args:
          success: label in place of the environment's; the last reward becomes it.
          **metadata: metadata that the environment does not have, such as `episode_id`,
            `role` and `hidden_rule`, or in place of its own.
        """
        scene = self._env.scene_config
        steps = {name: np.array(values) for name, values in self._recorded.items()}
        rewards = np.array(self._rewards, float)
        if success is not None:
            rewards[-1] = success
        if not scene.is_human:
            steps[fields.ACTION] = np.array(self._actions)
            steps[fields.REWARD] = rewards
        known = {
            fields.TASK_ID: scene.task.task_id,
            fields.FAMILY: scene.task.family,
            fields.SPLIT: scene.task.split,
            fields.SCENE_SEED: scene.scene_seed,
            fields.SUCCESS: bool(rewards[-1] > 0),
            fields.CONTROL_HZ: self._env.control_hz,
        }
        if scene.task.domain:
            known[fields.ENV_VERSION] = registry.get(scene.task.domain).version
        return episodes.Episode.build(
            observations={n: np.array(values) for n, values in self._observed.items()},
            terminal=self._last.last() and self._last.discount == 0.0,
            **steps,
            **(known | self._env.metadata() | metadata),
        )
