"""Environment of scenes of tasks, a `dm_env.Environment`."""

import abc
import dataclasses
from collections.abc import Sequence
from typing import Any

import dm_env
import mujoco
import numpy as np
from dm_env import specs

from wtl.collection.worlds.entities import actuator_gains
from wtl.collection.worlds.entities.disturbance import DisturbedEpisode
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract import layout as layouts


def state_spec(size: int) -> specs.Array:
    """Return the spec of a state vector [S]."""
    return specs.Array((size,), np.float32, fields.STATE)


def action_spec(axes: Sequence[str]) -> specs.BoundedArray:
    """Return the spec of a float32[A] action in [-1, 1] with named dimensions."""
    return specs.BoundedArray((len(axes),), np.float32, -1.0, 1.0, "action")


class SceneEnvironment(dm_env.Environment):
    """Environment with reward 1 at the end of an episode whose goal is reached.

    `reset` starts the scene config given to `prepare`; without one it goes through
    scenes of its task, whose seeds derive from the episode's number.

    Attributes:
      horizon: control steps of an episode.
      axes: names of the A dimensions of the action.
      control_hz: control steps per second.
      world: privileged access to the physics, for experts and success tests.
      layout: of the observed states.
      rest: [A] command that moves nothing.
      stored: names of the observations that are stored, where there are any.
    """

    horizon: int
    axes: tuple[str, ...]
    control_hz: float
    rest: tuple[float, ...]
    stored = (fields.STATE, fields.IMAGE, fields.WRIST_IMAGE)

    def __init__(self, scene_config: SceneConfig, world, layout: layouts.Layout):
        """Create an environment whose first episode is `scene_config`."""
        self.world = world
        self.layout = layout
        self._next: SceneConfig | None = scene_config
        self._scene_config = scene_config
        self._episode = 0
        self._step = self.horizon

    @property
    def scene_config(self) -> SceneConfig:
        """Scene config of the current episode."""
        return self._scene_config

    @property
    def target_slot(self) -> int:
        """Observation slot of the target."""
        config = self._scene_config
        return config.task.slot_of(self.world.scene, config.target)

    @property
    def gains(self) -> tuple[float, ...]:
        """Actuator gains at this step; none for nominal actuators."""
        return self._scene_config.gains(self._step)

    @property
    def progress(self) -> float:
        """Share of the horizon that has passed."""
        return self._step / self.horizon

    def prepare(self, scene_config: SceneConfig):
        """Choose the scene config of the next `reset`."""
        self._next = scene_config

    def reset(self) -> dm_env.TimeStep:
        """Start the next episode."""
        if self._next is None:
            self._episode += 1
            scene_seed = seeding.derive_seed(
                self._scene_config.scene_seed, self._episode
            )
            self._next = dataclasses.replace(self._scene_config, scene_seed=scene_seed)
        self._scene_config, self._next = self._next, None
        self._place()
        self._step = 0
        config = self._scene_config
        self._disturbed = config.task.disturbance and DisturbedEpisode(
            config.task.disturbance,
            self.layout.positions(),
            np.array(self.rest),
            self._seed,
        )
        return dm_env.restart(self._observed())

    def step(self, action: np.ndarray) -> dm_env.TimeStep:
        """Command a float[A] action in [-1, 1]; see `World.step` for the units."""
        if self._step >= self.horizon:
            return self.reset()
        command = np.asarray(action, np.float64)
        if self._disturbed:
            command = self._disturbed.command(command)
        self.world.step(actuator_gains.motion(command, self.gains))
        self._step += 1
        reward = self._shaping()
        if self._step < self.horizon:
            return dm_env.transition(reward, self._observed())
        # The horizon is part of the task, hence a discount of zero.
        reward += float(self.achieved(self._scene_config.target))
        return dm_env.termination(reward, self._observed())

    @property
    def _seed(self) -> int:
        """Seed of what differs between episodes in one scene."""
        config = self._scene_config
        return seeding.derive_seed(config.scene_seed, config.attempt, config.target)

    @property
    def foreseen(self):
        """World in which the next command takes effect, with latency a copy.

        Scripted experts act in it, so that they are not late.
        """
        pending = self._disturbed.pending if self._disturbed else ()
        if not pending:
            return self.world
        world = self.world.imagine()
        for step, command in enumerate(pending, self._step):
            gains = self._scene_config.gains(step)
            world.step(actuator_gains.motion(command, gains))
        return world

    def achieved(self, index: int) -> bool:
        """Whether the goal of the family holds for a canonical index."""
        return self._scene_config.task.goal.achieved(self.world, index)

    def achieved_slot(self) -> int:
        """Slot of the entity for which the goal holds, or -1."""
        task, scene = self._scene_config.task, self.world.scene
        for index in range(len(scene.slots(task.goal.kind))):
            if self.achieved(index):
                return task.slot_of(scene, index)
        return -1

    def observation_spec(self) -> dict[str, specs.Array]:
        """Spec of `state`."""
        return {fields.STATE: state_spec(self.layout.state_size)}

    def action_spec(self) -> specs.BoundedArray:
        """Spec of the float32[A] action in [-1, 1]."""
        return action_spec(self.axes)

    def recorded(self) -> dict[str, np.ndarray]:
        """Return the physics state [P] and the simulated seconds of this step."""
        state = self.world.physics_state()
        return {fields.PHYSICS_STATE: state, fields.TIMESTAMP: self.world.time}

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of this episode, known at its end."""
        config = self._scene_config
        return {
            fields.OBJECT_SET: config.task.object_set.name,
            "mujoco_version": mujoco.__version__,
            "hidden_target": self.target_slot,
            "hidden_achieved": self.achieved_slot(),
            "hidden_friction": config.task.friction,
            **config.task.hidden_metadata,
        }

    def _observed(self) -> dict[str, np.ndarray]:
        observed = self._observation()
        if self._disturbed:
            state = self._disturbed.observed(observed[fields.STATE])
            observed[fields.STATE] = state
        return observed

    @abc.abstractmethod
    def _place(self):
        """Put the world into the scene of the current episode."""

    @abc.abstractmethod
    def _observation(self) -> dict[str, np.ndarray]:
        """Return the current observations by name."""

    def _shaping(self) -> float:
        """Return the term added to the sparse reward at each step."""
        return 0.0
