"""The environment as TF-Agents sees it; TensorFlow is imported when one is made."""

import os
import typing

from wtl.collection.worlds import registry
from wtl.collection.worlds.entities import environment

if typing.TYPE_CHECKING:
    from tf_agents.environments import py_environment


def load(
    setup: environment.Setup, pixels: int = 0, wrist: bool = False
) -> "py_environment.PyEnvironment":
    """Returns a TF-Agents environment.

    Args:
      setup: its first episode.
      pixels: height and width of the images to observe; 0 for none.
      wrist: whether the gripper's own camera observes too.
    """
    # TF-Agents is written for Keras 2 (see `policies`).
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    from tf_agents.environments import dm_control_wrapper

    env = registry.get(setup.task.domain).open(setup, pixels, wrist)
    return dm_control_wrapper.DmControlWrapper(env)
