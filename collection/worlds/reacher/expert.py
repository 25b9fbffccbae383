"""Scripted expert that brings the fingertip into a target, in closed form."""

import numpy as np

from wtl.collection.worlds.entities.expert import Command
from wtl.collection.worlds.reacher import arm
from wtl.collection.worlds.reacher import world as worlds

_FREQUENCY = 13.0  # rad/s, of the critically damped motion to the target


def act(world: worlds.World, index: int) -> Command:
    """Return torques by inverse kinematics and dynamics; the elbow keeps its side."""
    joints = world.joints
    goal = arm.inverse(world.targets[index], joints[1])
    damping = 2 * _FREQUENCY * world.joint_velocities
    acceleration = _FREQUENCY**2 * (goal - joints) - damping
    action = world.torques(acceleration) / arm.TORQUES
    return Command(np.clip(action, -1, 1), noise=1.0)
