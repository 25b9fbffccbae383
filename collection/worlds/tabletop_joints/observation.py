"""State observation: that of the tabletop, and the joints of the arm."""

import dataclasses
import importlib

import numpy as np

from wtl.collection.worlds.tabletop import observation
from wtl.collection.worlds.tabletop_joints.world import AXES, World

JOINTS = {
    "angle": 6,  # rad
    "setpoint": 6,  # rad
    "tilt": 2,  # x and y of the unit vector from the finger tips to the palm
}


@dataclasses.dataclass(frozen=True)
class Layout(observation.Layout):
    """See the base class; the arm's shoulder is at one side, so there is no mirror."""

    tables = {
        "gripper": observation.GRIPPER,
        "joints": JOINTS,
        **observation.Layout.tables,
    }
    odd = {}
    action_mirror = (1,) * len(AXES)

    @property
    def features(self):
        """See the base class."""
        return importlib.import_module("wtl.collection.worlds.tabletop_joints.features")

    def observe(self, world: World, time: float) -> np.ndarray:
        """See the base class."""
        known = observation.observe(world, time)
        joints = (world.joints, world.joint_setpoint, world.tilt)
        first, rest = np.split(known, [sum(observation.GRIPPER.values())])
        return np.concatenate([first, *joints, rest], dtype=np.float32)
