"""Environment for TF-Agents; TensorFlow is imported when one is made."""

import os
import typing

from wtl.collection.worlds import registry
from wtl.collection.worlds.world import Scene
from wtl.datasets.contract.camera import NO_CAMERA, CameraConfig

if typing.TYPE_CHECKING:
    from tf_agents.environments import py_environment


def load(
    scene_config: Scene, camera: CameraConfig = NO_CAMERA
) -> "py_environment.PyEnvironment":
    """Return a TF-Agents environment whose first episode is `scene_config`."""
    # TF-Agents is written for Keras 2 (see `policies`).
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    from tf_agents.environments import dm_control_wrapper

    env = registry.get(scene_config.task.domain).open(scene_config, camera)
    return dm_control_wrapper.DmControlWrapper(env)
