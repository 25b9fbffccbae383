"""Environment of the reacher."""

import numpy as np

from wtl.collection.worlds.entities import environment
from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.reacher import arm, observation
from wtl.collection.worlds.reacher import world as worlds
from wtl.datasets.contract import fields


class Reacher(environment.SceneEnvironment):
    """Environment whose goal is to end with the fingertip in the target."""

    horizon = 50
    axes = arm.JOINTS
    control_hz = worlds.CONTROL_HZ
    rest = (0.0, 0.0)

    def __init__(self, scene_config: SceneConfig):
        """Create an environment whose first episode is `scene_config`."""
        layout = observation.Layout(scene_config.task.object_set.size)
        super().__init__(scene_config, worlds.World(), layout)

    def _place(self):
        targets = self._scene_config.task.object_set
        self.world.reset(targets, targets.scene(self._scene_config.scene_seed))

    def _observation(self) -> dict[str, np.ndarray]:
        return {fields.STATE: observation.observe(self.world, self.progress)}


class DenseReacher(Reacher):
    """Environment that takes the distance to the target off the reward at each step.

    Distances in metres are below 1, so the sign of the last reward is that of success,
    as where it is sparse.
    """

    def _shaping(self) -> float:
        return -float(self.world.distances[self._scene_config.target])
