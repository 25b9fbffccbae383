"""Recorder of episodes of an environment."""

import dm_env
import mujoco
import numpy as np

from wtl.collection.worlds import registry
from wtl.collection.worlds.entities import environment, physics
from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.datasets.contract import episode as episodes
from wtl.datasets.contract import fields
from wtl.datasets.contract.camera import NO_CAMERA, CameraConfig


class Recorder:
    """Recorder of the steps of one episode of an environment."""

    def __init__(self, env: environment.SceneEnvironment):
        """Record `env`, whose episodes start with `start`."""
        self._env = env

    def start(self, timestep: dm_env.TimeStep):
        """Begin with the timestep of a reset."""
        self._states, self._physics_states, self._timestamps = [], [], []
        self._actions, self._rewards = [], []
        images = (fields.IMAGE, fields.WRIST_IMAGE)
        self._images = {name: [] for name in images if name in timestep.observation}
        self._observe(timestep)

    def add(self, action: np.ndarray, timestep: dm_env.TimeStep):
        """Add the action taken at the last state, and the next timestep."""
        self._observe(timestep)
        self._actions.append(np.clip(action, -1, 1))
        self._rewards.append(timestep.reward)
        self._last = timestep

    def _observe(self, timestep: dm_env.TimeStep):
        self._states.append(timestep.observation[fields.STATE])
        self._physics_states.append(self._env.world.physics_state())
        for name, frames in self._images.items():
            frames.append(timestep.observation[name])
        self._timestamps.append(self._env.world.time)

    def episode(self, **metadata) -> episodes.Episode:
        """Return the finished episode; of the simulated human, one without actions.

        Args:
          **metadata: metadata that the environment does not have, such as `episode_id`,
            `role` and `hidden_rule`.
        """
        scene_config = self._env.scene_config
        images = {name: np.stack(frames) for name, frames in self._images.items()}
        metadata |= scene_config.task.hidden_metadata
        if scene_config.embodiment is Embodiment.ROBOT:
            metadata["action"] = np.stack(self._actions)
            metadata["reward"] = np.array(self._rewards)
        return episodes.Episode.build(
            state=np.stack(self._states),
            physics_state=np.stack(self._physics_states),
            timestamp=np.array(self._timestamps),
            terminal=self._last.last() and self._last.discount == 0.0,
            task_id=scene_config.task.task_id,
            family=scene_config.task.family,
            object_set=scene_config.task.object_set.name,
            split=scene_config.task.split,
            scene_seed=scene_config.scene_seed,
            success=bool(self._rewards[-1] > 0),
            control_hz=self._env.control_hz,
            env_version=registry.get(scene_config.task.domain).version,
            mujoco_version=mujoco.__version__,
            hidden_target=self._env.target_slot,
            hidden_achieved=self._env.achieved_slot(),
            hidden_friction=scene_config.task.friction,
            **images,
            **metadata,
        )


def episode_spec(
    size: int,
    camera: CameraConfig = NO_CAMERA,
    embodiment: Embodiment = Embodiment.ROBOT,
    domain: str = registry.DEFAULT,
    hidden_gains: bool = False,
    dynamics_size: int = 0,
) -> episodes.EpisodeSpec:
    """Return the spec of episodes recorded in scenes of a size.

    Args:
      size: number of entities of each kind.
      camera: of the environments.
      embodiment: the body that acts; episodes of the simulated human have no actions.
      domain: name of the world.
      hidden_gains: whether tasks have hidden actuator gains.
      dynamics_size: number of hidden variables of entities beyond friction.
    """
    world = registry.get(domain)
    compiled = world.model(world.objects("layout", size, 0), embodiment)
    acts = embodiment is Embodiment.ROBOT
    return episodes.EpisodeSpec(
        state_size=world.layout(size).state_size,
        action_size=len(world.environment.axes) if acts else 0,
        physics_size=mujoco.mj_stateSize(compiled, physics.STATE_SPEC),
        image_pixels=camera.pixels,
        image_encoding=camera.encoding,
        wrist_image=camera.wrist and acts,
        gains_size=len(world.environment.axes) if hidden_gains else 0,
        dynamics_size=dynamics_size,
    )
