"""Spec of the stored episodes of a world with entities."""

import mujoco

from wtl.collection.worlds import registry
from wtl.collection.worlds.entities import physics
from wtl.collection.worlds.entities.embodiment import Embodiment
from wtl.datasets.contract.camera import NO_CAMERA, CameraConfig
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.contract.observation import observed


def episode_spec(
    size: int,
    camera: CameraConfig = NO_CAMERA,
    embodiment: Embodiment = Embodiment.ROBOT,
    domain: str = registry.DEFAULT,
    hidden_gains: bool = False,
    dynamics_size: int = 0,
    robot: str = registry.DEFAULT_ROBOT,
) -> EpisodeSpec:
    """Return the spec of episodes recorded in scenes of a size.

    Args:
      size: number of entities of each kind.
      camera: of the environments.
      embodiment: the body that acts; episodes of the simulated human have no actions.
      domain: name of the world.
      hidden_gains: whether tasks have hidden actuator gains.
      dynamics_size: number of hidden variables of entities beyond friction.
      robot: name of the robot, where that is the body.
    """
    world = registry.get(domain)
    entities, axes = world.entities, len(world.spec.axes)
    acts = embodiment is Embodiment.ROBOT
    body = robot if acts else embodiment
    compiled = entities.model(entities.objects("layout", size, 0), body)
    return EpisodeSpec(
        observed(world.encoder(size).state_size, camera.pixels, camera.wrist and acts),
        action_size=axes if acts else 0,
        physics_size=mujoco.mj_stateSize(compiled, physics.STATE_SPEC),
        image_encoding=camera.encoding,
        gains_size=axes if hidden_gains else 0,
        dynamics_size=dynamics_size,
    )
