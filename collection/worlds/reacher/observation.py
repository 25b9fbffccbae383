"""State observation of the reacher: one flat vector with named parts.

It holds no information on the target or the actuator gains.
"""

import dataclasses
import importlib

import numpy as np

from wtl.collection.worlds.reacher import world as worlds
from wtl.datasets.contract import layout
from wtl.datasets.contract.layout import slices

ARM = {
    "sin_joints": 2,
    "cos_joints": 2,
    "joint_velocity": 2,  # rad/s
    "tip": 2,  # m
}
TARGET = {
    "position": 2,  # m
    "rgb": 3,
}
CLOCK = {"time": 1}  # share of the horizon that has passed

_AT = 2 * worlds.TARGET_RADIUS  # a tip that ends nearer than this went for the target


@dataclasses.dataclass(frozen=True)
class Layout(layout.Layout):
    """Layout of a state vector with `size` targets."""

    tables = {"arm": ARM, "targets": TARGET, "clock": CLOCK}
    kinds = ("targets",)
    things = {"targets": "position"}
    odd = {
        "arm": {"sin_joints": [0, 1], "joint_velocity": [0, 1], "tip": [0]},
        "targets": {"position": [0]},
    }
    action_mirror = (-1, -1)
    deciding_steps = 18

    @property
    def features(self):
        """See the base class."""
        return importlib.import_module("wtl.collection.worlds.reacher.features")

    @property
    def drawing(self):
        """See the base class."""
        return importlib.import_module("wtl.collection.worlds.reacher.drawing")

    def acted_scores(self, states: np.ndarray) -> np.ndarray:
        """See the base class; an entity is acted on if the fingertip ends near it."""
        rows = self.split(states[:, -1])
        tip = rows["arm"][:, None, slices(ARM)["tip"]]
        target = rows["targets"][..., slices(TARGET)["position"]]
        distance = np.linalg.norm(target - tip, axis=-1)
        return _AT / np.maximum(distance, 1e-6)


def observe(world: worlds.World, time: float) -> np.ndarray:
    """Return the float32[S] state vector at a `time`, a share of the horizon."""
    targets = np.concatenate([world.targets, world.object_set.rgbs], axis=1)
    return np.concatenate(
        [
            np.sin(world.joints),
            np.cos(world.joints),
            world.joint_velocities,
            world.tip,
            targets[world.scene.target_slots].ravel(),
            (time,),
        ]
    ).astype(np.float32)
