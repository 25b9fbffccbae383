"""Environment of the tabletop, with cameras."""

import functools

import numpy as np
from dm_env import specs

from wtl.collection.worlds.entities.environment import SceneEnvironment
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.tabletop import (
    appearance,
    gripper,
    model,
    observation,
    renderer,
)
from wtl.collection.worlds.tabletop import scene as scenes
from wtl.collection.worlds.tabletop import world as worlds
from wtl.datasets.contract import fields, seeding
from wtl.datasets.contract.camera import NO_CAMERA, CameraConfig

HORIZON = 40  # control steps


class Manipulation(SceneEnvironment):
    """Table with the gripper, or with the hand of the simulated human."""

    horizon = HORIZON
    axes = worlds.AXES
    control_hz = worlds.CONTROL_HZ
    rest = (0.0, 0.0, 0.0, 0.0, 1.0)  # the fingers stay closed
    layouts = observation.Layout
    worlds = worlds.World

    def __init__(self, scene_config: SceneConfig, camera: CameraConfig = NO_CAMERA):
        """Create an environment.

        Args:
          scene_config: its first episode.
          camera: observes too; a hand has no wrist camera.

        Raises:
          RendererNotFoundError: if images are asked for and there is no OpenGL.
        """
        layout = self.layouts(scene_config.task.object_set.size)
        super().__init__(scene_config, self.worlds(), layout)
        self._camera = camera

    def _place(self):
        scene_config = self._scene_config
        task = scene_config.task
        scene = task.object_set.scene(scene_config.scene_seed)
        if task.puck:
            seed = seeding.derive_seed(
                "start", scene_config.scene_seed, scene_config.attempt
            )
            scene = scenes.disturbed(scene, task.puck.start_noise, seed)
        if task.disturbance and task.disturbance.reset_error:
            scene = scene.displaced(task.disturbance.reset_error, self._seed)
        objects = scene.dressed(task.object_set)
        self.world.reset(objects, task.friction, scene, scene_config.body, task.puck)

    def _observation(self) -> dict[str, np.ndarray]:
        state = self.layout.observe(self.world, self.progress)
        if not self._camera:
            return {fields.STATE: state}
        config = self._scene_config
        look = appearance.draw(config.body, config.scene_seed)
        if self._camera.varied and not config.is_human:  # whose camera varies anyway
            look = appearance.varied(look, config.scene_seed)
        render = functools.partial(
            renderer.shared(self._camera.pixels, self.layout.size).render,
            self.world.model,
            self.world.data,
            look,
        )
        observed = {
            fields.STATE: state,
            fields.PROPRIOCEPTION: self.layout.proprioception(state),
            fields.IMAGE: render(),
        }
        if self._camera.wrist:
            body = model.BODY_NAMES[self._scene_config.body]
            camera = f"{body}/{gripper.WRIST_CAMERA}"
            observed[fields.WRIST_IMAGE] = render(camera=camera)
        return observed

    def observation_spec(self) -> dict[str, specs.Array]:
        """Spec of `state` and, with a camera, `proprioception` and images."""
        spec, side = super().observation_spec(), self._camera.pixels
        if side:
            name, shape = fields.PROPRIOCEPTION, (self.layout.proprioception_size,)
            spec[name] = specs.Array(shape, np.float32, name)
            for name in (fields.IMAGE, fields.WRIST_IMAGE)[: 1 + self._camera.wrist]:
                spec[name] = specs.BoundedArray((side, side, 3), np.uint8, 0, 255, name)
        return spec
