"""Environment of another simulator as the environment of a world."""

from collections.abc import Callable, Mapping
from typing import Any

import dm_env
import numpy as np
from dm_env import specs

from wtl.collection.worlds.plain.layout import PlainLayout
from wtl.collection.worlds.plain.task import PlainScene, PlainTask
from wtl.datasets.contract import fields
from wtl.datasets.contract.errors import UserError

# (task, seed of the scene) -> environment that begins in this scene.
Make = Callable[[PlainTask, int], dm_env.Environment]


class PlainEnvironment(dm_env.Environment):
    """Environment that observes the joined vectors of another one.

    Actions in [-1, 1] are scaled to the limits of the other environment. An episode
    always has `horizon` steps: where the other environment ends earlier, its last
    observation is repeated. The last reward is 1 for success, else 0.

    Attributes:
      horizon: control steps of an episode.
      control_hz: control steps per second.
      layout: of the joined vectors.
    """

    def __init__(
        self,
        make: Make,
        scene: PlainScene,
        layout: PlainLayout,
        horizon: int,
        control_hz: float,
    ):
        """Create an environment whose first episode is `scene`."""
        self._make = make
        self.layout = layout
        self.horizon = horizon
        self.control_hz = control_hz
        self._next: PlainScene | None = scene
        self._scene = scene
        self._episode = 0
        self._step = horizon

    @property
    def scene_config(self) -> PlainScene:
        """Scene of the present episode."""
        return self._scene

    def prepare(self, scene_config: PlainScene):
        """Choose the scene of the next `reset`."""
        self._next = scene_config

    def reset(self) -> dm_env.TimeStep:
        """Start an episode."""
        if self._next is None:
            self._episode += 1
            seed = (self._scene.scene_seed + self._episode) % 2**31
            self._next = self._scene.task.scene(seed)
        self._scene, self._next = self._next, None
        self._env = self._make(self._scene.task, self._scene.scene_seed)
        self._inner = self._env.reset()
        self._step = 0
        return dm_env.restart(self._observation())

    def step(self, action: np.ndarray) -> dm_env.TimeStep:
        """Apply a float[A] action in [-1, 1]."""
        if self._step >= self.horizon:
            return self.reset()
        if not self._inner.last():
            self._inner = self._env.step(self._scaled(action))
        self._step += 1
        if self._step < self.horizon:
            reward = 0.0 if self._inner.last() else float(self._inner.reward or 0.0)
            return dm_env.transition(reward, self._observation())
        return dm_env.termination(float(self.succeeded()), self._observation())

    def succeeded(self) -> bool:
        """Whether the episode is a success: as it says itself, else last reward > 0."""
        test = getattr(self._env, "succeeded", None)
        return bool(test()) if test else (self._inner.reward or 0.0) > 0

    def normalised(self, action: np.ndarray) -> np.ndarray:
        """Return the action in [-1, 1] of an action of the other environment."""
        low, high = self._limits()
        return 2 * (np.asarray(action, np.float64) - low) / (high - low) - 1

    def observation_spec(self) -> dict[str, specs.Array]:
        """Spec of `state`."""
        shape = (self.layout.state_size,)
        return {fields.STATE: specs.Array(shape, np.float32, fields.STATE)}

    def action_spec(self) -> specs.BoundedArray:
        """Spec of the float32[A] action in [-1, 1]."""
        shape = (self.layout.actions,)
        return specs.BoundedArray(shape, np.float32, -1.0, 1.0, "action")

    def recorded(self) -> dict[str, np.ndarray]:
        """Return the seconds since the start of the episode."""
        return {fields.TIMESTAMP: self._step / self.control_hz}

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of this episode, known at its end."""
        return {
            fields.OBJECT_SET: self._scene.task.task_id,
            "hidden_target": 0,
            "hidden_achieved": 0 if self.succeeded() else -1,
        }

    @property
    def native(self) -> dm_env.Environment:
        """The other environment, in the present episode."""
        return self._env

    @property
    def timestep(self) -> dm_env.TimeStep:
        """Its last timestep."""
        return self._inner

    def _limits(self) -> tuple[np.ndarray, np.ndarray]:
        spec = self._env.action_spec()
        return np.asarray(spec.minimum), np.asarray(spec.maximum)

    def _scaled(self, action: np.ndarray) -> np.ndarray:
        low, high = self._limits()
        share = (np.clip(np.asarray(action, np.float64), -1, 1) + 1) / 2
        return (low + share * (high - low)).astype(self._env.action_spec().dtype)

    def _observation(self) -> dict[str, np.ndarray]:
        vectors = flat(self._inner.observation)
        parts = []
        for name, length in self.layout.parts:
            value = vectors.get(name)
            if value is None or value.size != length:
                has = "is missing" if value is None else f"has {value.size} numbers"
                raise UserError(
                    f"{self._what(name)} {has}; its spec says {length} numbers"
                )
            if not np.isfinite(value).all():
                raise UserError(f"{self._what(name)} is not finite")
            parts.append(value.ravel())
        return {fields.STATE: np.concatenate([*parts, (self._step,)], dtype=np.float32)}

    def _what(self, name: str) -> str:
        domain = self._scene.task.domain
        return f"world {domain!r}, step {self._step}: the observation {name!r}"


def flat(observation: Any, name: str = "") -> dict[str, np.ndarray]:
    """Return the arrays of a nested observation by path, such as `arm/joints`."""
    if not isinstance(observation, Mapping):
        return {name or fields.OBSERVATION: np.asarray(observation)}
    found = {}
    for key, value in observation.items():
        found |= flat(value, f"{name}/{key}" if name else str(key))
    return found
