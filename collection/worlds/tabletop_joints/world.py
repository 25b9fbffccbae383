"""Physics of a scene in which an action changes the setpoints of an arm's joints."""

import mujoco
import numpy as np

from wtl.collection.worlds.tabletop import arm, gripper
from wtl.collection.worlds.tabletop import world as worlds

AXES = (*arm.JOINTS, "finger")  # dimensions of the action
# Radians per control step at action 1: what all but the fastest motions of experts need
# (and the last joint about all it can), so that actions are no smaller than necessary.
JOINT_STEP = np.array([0.1, 0.15, 0.2, 0.15, 0.1, 0.3])
MAX_TILT = 0.2  # sine of the angle between gripper and vertical
_MAX_LEAD = 2 * JOINT_STEP  # radians the setpoints may run ahead of the joints

# Metres from the point between the finger tips to the farthest point of open ones.
_REACH = np.hypot(
    gripper.FINGER_OPEN + 2 * gripper.PAD_HALF_SIZES[0], gripper.PAD_HALF_SIZES[1]
)
_TOLERANCE = 1e-6  # metres and radians
_ITERATIONS = 20


class World(worlds.World):
    """See the base class; `setpoint` is where the joints' setpoints hold the gripper.

    An action [7] changes the joints' setpoints in units of `JOINT_STEP`, and commands
    the finger as on the tabletop.

    Attributes:
      joint_setpoint: [6] radians.
    """

    def _place(self, scene):
        super()._place(scene)
        self._control = self.data.ctrl.copy()
        self.joint_setpoint = self._control[:6]
        self._held = mujoco.MjData(self.model)  # for the kinematics of setpoints

    @property
    def joints(self) -> np.ndarray:
        """[6] angles, radians."""
        return self._at.body.joints(self.data)

    @property
    def tilt(self) -> np.ndarray:
        """[2] x and y of the unit vector from the finger tips to the palm."""
        return self._at.body.tilt(self.data)

    def action_of(self, action: np.ndarray) -> np.ndarray:
        """Return the action [7] that moves like one [5] of the tabletop's gripper.

        It leads straight to the joints at which the gripper points down, as far as the
        fastest joint gets.
        """
        pose = self.setpoint + action[:-1] * worlds.ARM_SCALE
        pose = np.clip(pose, worlds.SETPOINT_LOW, worlds.SETPOINT_HIGH)
        change = (arm.joints_of(pose) - self.joint_setpoint) / JOINT_STEP
        return np.append(change / max(1.0, np.abs(change).max()), action[-1])

    def _change(self, action: np.ndarray) -> np.ndarray:
        joints, now = self.joint_setpoint + action * JOINT_STEP, self.joints
        lead = np.clip(joints - now, -_MAX_LEAD, _MAX_LEAD)
        self.joint_setpoint = self._inside(now + lead)
        return self.joint_setpoint

    def _inside(self, joints: np.ndarray) -> np.ndarray:
        """Return the joint angles, moved by Newton's method into the workspace."""
        body = self._at.body
        for _ in range(_ITERATIONS):
            jacobian = body.reached(self.model, self._held, joints)
            pose = body.pose(self._held)
            outside = _outside(pose, body.tilt(self._held))
            if np.abs(outside).max() < _TOLERANCE:
                self.setpoint = pose
                return joints
            joints = joints - np.linalg.solve(jacobian, outside)
        return self.joint_setpoint

    def _drive(self):
        joints, openings = self._control[:6], self._control[6:]
        self._at.body.drive_joints(self.data, joints, openings, worlds.CHUNK_SECONDS)


def _outside(pose: np.ndarray, tilt: np.ndarray) -> np.ndarray:
    """[6] translation and rotation by which a gripper is outside of the workspace."""
    size = np.hypot(*tilt)
    most = min(size, MAX_TILT)
    away, along = tilt * (1 - most / max(size, 1e-9))
    # Where the gripper is tilted, its lowest finger stays above the table.
    low = worlds.SETPOINT_LOW + np.array([0, 0, _REACH * most, 0])
    beyond = pose - np.clip(pose, low, worlds.SETPOINT_HIGH)
    return np.array([*beyond[:3], -along, away, beyond[3]])
