"""State observation: one flat vector with named parts.

It holds no information on the family, rule, target or hidden dynamics of a task.
Objects and buttons stand in slots whose order is shuffled per scene.
"""

import dataclasses
import importlib
import math

import numpy as np

from wtl.collection.worlds.tabletop import world as worlds
from wtl.datasets.contract import layout
from wtl.datasets.contract.layout import slices

# Name and width of the parts of each row, in order.
GRIPPER = {
    "position": 3,  # m
    "sin_cos_yaw": 2,
    "setpoint": 4,  # m, m, m, rad
    "gap": 1,  # m
    "finger_command": 1,
    "velocity": 3,  # m/s
}
OBJECT = {
    "position": 3,  # m
    "sin_cos_yaw": 2,
    "velocity": 3,  # m/s
    "upright": 1,
    "rgb": 3,
    "half_sizes": 3,  # m
    "is_box": 1,
}
BUTTON = {
    "position": 3,  # m
    "travel": 1,  # m
    "rgb": 3,
}
FIXTURES = {
    "anchor": 3,  # m
    "goal": 1,  # m, y of the middle of the goal band
    "time": 1,  # share of the horizon that has passed
}

_DISPLACED = 0.01  # metres; less counts as untouched
_PRESSED = 0.006  # metres beyond what the weight of the cap does


@dataclasses.dataclass(frozen=True)
class Layout(layout.Layout):
    """Layout of a state vector with `size` objects and as many buttons."""

    tables = {
        "gripper": GRIPPER,
        "objects": OBJECT,
        "buttons": BUTTON,
        "fixtures": FIXTURES,
    }
    kinds = ("objects", "buttons")
    things = {"objects": "position", "buttons": "position", "fixtures": "anchor"}
    odd = {
        "gripper": {
            "position": [0],
            "sin_cos_yaw": [0],
            "setpoint": [0, 3],
            "velocity": [0],
        },
        "objects": {"position": [0], "sin_cos_yaw": [0], "velocity": [0]},
        "buttons": {"position": [0]},
        "fixtures": {"anchor": [0]},
    }
    action_mirror = (-1, 1, 1, -1, 1)  # x, y, z, yaw, finger
    deciding_steps = 18

    @property
    def features(self):
        """See the base class."""
        return importlib.import_module("wtl.collection.worlds.tabletop.features")

    @property
    def drawing(self):
        """See the base class."""
        return importlib.import_module("wtl.collection.worlds.tabletop.drawing")

    def acted_scores(self, states: np.ndarray) -> np.ndarray:
        """See the base class; an entity is acted on if it was displaced or pressed."""
        rows = self.split(states)
        position = rows["objects"][..., slices(OBJECT)["position"]]
        travel = rows["buttons"][..., slices(BUTTON)["travel"]]
        displaced = np.linalg.norm(position - position[:, :1], axis=-1).max(axis=1)
        pressed = travel[..., 0].max(axis=1)
        return np.concatenate([displaced / _DISPLACED, pressed / _PRESSED], axis=1)

    def observe(self, world: worlds.World, time: float) -> np.ndarray:
        """Return the float32[S] state vector at a `time`, a share of the horizon."""
        return observe(world, time)

    @property
    def proprioception_size(self) -> int:
        """P, the length of proprioception: the robot's rows and time."""
        return self._robot + 1

    def proprioception(self, state: np.ndarray, own: bool = True) -> np.ndarray:
        """The robot's rows and the time, [..., P], of [..., S] states.

        Args:
          state: the states.
          own: whether the body in them is the robot's; the row of the simulated human
            is zeros.
        """
        rows = state[..., : self._robot]
        return np.concatenate([own * rows, state[..., -1:]], axis=-1)

    @property
    def _robot(self) -> int:
        """Numbers that describe the robot; they come before the objects."""
        return self.rows["objects"][0].start


def observe(world: worlds.World, time: float) -> np.ndarray:
    """Return the float32[S] state vector at a `time`, a share of the horizon."""
    scene = world.scene
    pose = world.gripper_pose
    rotations = world.object_rotations
    yaw = rotations[:, :2, 0]
    yaw = yaw / np.maximum(np.linalg.norm(yaw, axis=1, keepdims=True), 1e-6)
    objects = np.concatenate(
        [
            world.object_positions,
            yaw[:, ::-1],
            world.object_velocities,
            rotations[:, 2, 2:],
            world.attributes,
        ],
        axis=1,
    )
    buttons = np.concatenate(
        [world.button_positions, world.button_travel[:, None], world.button_rgbs],
        axis=1,
    )
    return np.concatenate(
        [
            pose[:3],
            (math.sin(pose[3]), math.cos(pose[3])),
            world.setpoint,
            (world.finger_gap, world.finger_command),
            world.gripper_velocity,
            objects[scene.object_slots].ravel(),
            buttons[scene.button_slots].ravel(),
            world.anchor_position,
            (world.goal, time),
        ],
        dtype=np.float32,
    )
