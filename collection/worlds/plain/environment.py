"""Environment of another simulator as the environment of a world."""

from collections.abc import Callable, Mapping
from typing import Any

import dm_env
import numpy as np
from dm_env import specs

from wtl.collection.worlds.plain.task import PlainScene, PlainTask
from wtl.datasets.contract import fields
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.errors import UserError
from wtl.datasets.contract.observation import FLOAT, IMAGE, Observation
from wtl.datasets.interchange import image_form

# (task, seed of the scene, below 2**32) -> environment that begins in this scene.
Make = Callable[[PlainTask, int], dm_env.Environment]


class PlainEnvironment(dm_env.Environment):
    """Environment that observes what another one observes, under flat names.

    Actions are in the units of the other environment. An episode ends where
    that one ends it, after `horizon` steps at the latest; its last reward is 1 for
    success, else 0.

    Attributes:
      horizon: greatest number of control steps of an episode.
      control_hz: control steps per second.
      spec: of the stored episodes.
      stored: names of the observations that are stored.
    """

    def __init__(
        self,
        make: Make,
        scene: PlainScene,
        spec: EpisodeSpec,
        horizon: int,
        control_hz: float,
    ):
        """Create an environment whose first episode is `scene`."""
        self._make = make
        self.spec = spec
        self.stored = tuple(o.name for o in spec.observations)
        self.horizon = horizon
        self.control_hz = control_hz
        self._next: PlainScene | None = scene
        self._scene = scene
        self._episode = 0
        self._is_over = True
        self._env: dm_env.Environment | None = None

    def close(self):
        """Close the other environment."""
        if self._env is not None:
            self._env.close()

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
        self._step, self._is_over = 0, False
        seed = self._scene.scene_seed % 2**32  # the most that NumPy's RandomState takes
        with self._scene.calling("reset fails"):
            made = self._make(self._scene.task, seed)
            if _is_another(self._env, made):
                self.close()
            self._env = made
            self._check_limits()
            self._inner = self._checked(self._env.reset())
            return dm_env.restart(self._observation())

    def step(self, action: np.ndarray) -> dm_env.TimeStep:
        """Apply a float[A] action, clipped to its limits."""
        if self._is_over:
            return self.reset()
        self._step += 1
        with self._scene.calling(f"step {self._step} fails"):
            spec = self._env.action_spec()
            action = np.clip(np.asarray(action, np.float64), spec.minimum, spec.maximum)
            self._inner = self._checked(self._env.step(action.astype(spec.dtype)))
            self._is_over = self._inner.last() or self._step >= self.horizon
            if self._is_over:
                # At the horizon, or where that environment runs out of time, the state
                # is not terminal.
                is_terminal = self._inner.last() and self._inner.discount == 0
                end = dm_env.termination if is_terminal else dm_env.truncation
                return end(float(self.succeeded()), self._observation())
            reward = float(self._inner.reward or 0.0)
            if not np.isfinite(reward):
                raise self._error("the reward is not finite")
            return dm_env.transition(reward, self._observation())

    def succeeded(self) -> bool:
        """Whether the episode is a success: as it says itself, else last reward > 0."""
        test = getattr(self._env, "succeeded", None)
        return bool(test() if test else (self._inner.reward or 0.0) > 0)

    def observation_spec(self) -> dict[str, specs.Array]:
        """Specs of the observations by flat name."""
        return {
            o.name: specs.Array(o.shape, np.dtype(o.dtype), o.name)
            for o in self.spec.observations
        }

    def action_spec(self) -> specs.BoundedArray:
        """Spec of the float32[A] action, in the units of the other environment."""
        low, high = self.spec.action_low, self.spec.action_high
        return specs.BoundedArray((len(low),), np.float32, low, high, "action")

    def recorded(self) -> dict[str, np.ndarray]:
        """Return the seconds since the start of the episode."""
        return {fields.TIMESTAMP: self._step / self.control_hz}

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of this episode, known at its end."""
        return {
            fields.OBJECT_SET: self._scene.task.task_id,
            fields.INSTRUCTION: self._scene.task.instruction,
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

    def _checked(self, timestep: Any) -> dm_env.TimeStep:
        if not isinstance(timestep, dm_env.TimeStep):
            raise self._error(f"it returned {timestep!r:.40}, no dm_env.TimeStep")
        return timestep

    def _check_limits(self):
        """Check that the actions are those of the world, also in this task."""
        spec = self._env.action_spec()
        for name, limit in (
            ("minimum", self.spec.action_low),
            ("maximum", self.spec.action_high),
        ):
            found = np.broadcast_to(np.float32(getattr(spec, name)), spec.shape)
            if found.tolist() != list(limit):
                raise self._error(
                    f"the {name} of its actions is {found.tolist()}, but that of the "
                    f"world's is {list(limit)}"
                )

    def _error(self, message: str) -> UserError:
        return self._scene.error(f"step {self._step}: {message}")

    def _observation(self) -> dict[str, np.ndarray]:
        found = flat(self._inner.observation)
        if left := found.keys() - {o.name for o in self.spec.observations}:
            raise self._error(f"observation {min(left)!r} is not in the spec")
        return {o.name: self._array(found, o) for o in self.spec.observations}

    def _array(
        self, found: Mapping[str, np.ndarray], observation: Observation
    ) -> np.ndarray:
        """Return an observation as it is stored, checked against its spec."""
        what = f"observation {observation.name!r}"
        if observation.name not in found:
            raise self._error(f"{what} is missing")
        array = found[observation.name]
        if observation.is_image:
            array = as_rgb(array)
        if array.shape != observation.shape or array.dtype.kind not in "fiub":
            raise self._error(
                f"{what} is {array.dtype}{list(array.shape)}, but its spec says shape "
                f"{list(observation.shape)}"
            )
        if observation.is_image and array.dtype != np.uint8:
            raise self._error(f"{what} is {array.dtype}, but its spec says uint8")
        array = array.astype(observation.dtype)
        if not np.isfinite(array).all():
            raise self._error(f"{what} is not finite")
        return array


def _is_another(before: Any, made: Any) -> bool:
    """Whether two environments are not one object, which may serve all episodes."""
    # A Gymnasium environment is wrapped anew for each episode.
    return getattr(before, "gym", before) is not getattr(made, "gym", made)


def flat(observation: Any, name: str = "") -> dict[str, np.ndarray]:
    """Return the arrays of a nested observation by path, such as `arm/joints`."""
    if not isinstance(observation, Mapping):
        return {name or fields.OBSERVATION: np.asarray(observation)}
    found = {}
    for key, value in observation.items():
        found |= flat(value, f"{name}/{key}" if name else str(key))
    return found


def stored_as(name: str, spec: specs.Array, is_set: bool = False) -> Observation:
    """Return how an observation is stored; images are those of `wtl import`.

    Args:
      name: its name.
      spec: its spec.
      is_set: whether it is a set: uint8[N, F] are numbers then, and no gray image.

    Raises:
      ValueError: if it cannot be stored.
    """
    shape, dtype = tuple(spec.shape), np.dtype(spec.dtype)
    if dtype == np.uint8 and not (is_set and len(shape) == 2):
        images = image_form.channels_last(np.empty((0, *shape), np.uint8))
        if images is not None:
            return Observation(name, (*images.shape[1:3], 3), IMAGE, is_set)
    if dtype.kind not in "fiub":
        raise ValueError(f"observation {name!r} is of type {dtype}, no numbers")
    return Observation(name, shape, FLOAT, is_set)


def as_rgb(image: np.ndarray) -> np.ndarray:
    """Return a gray, RGB or RGBA image as RGB [H, W, 3]; alpha is left out.

    Its channel may be first, last or, of a gray image, missing. An array of another
    shape is returned unchanged.
    """
    images = image_form.channels_last(image[None])
    if images is None:
        return image
    return np.repeat(images[0], 3, -1) if images.shape[-1] == 1 else images[0, ..., :3]
