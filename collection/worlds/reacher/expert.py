"""Brings the fingertip of the planar arm into a target, in closed form."""

import numpy as np

from wtl.collection.worlds.reacher import arm
from wtl.collection.worlds.reacher import world as worlds
from wtl.collection.worlds.tabletop.experts import expert

_FREQUENCY = 13.0  # rad/s, of the critically damped way to the target


def act(world: worlds.World, index: int) -> expert.Command:
    """Inverse kinematics, then inverse dynamics; the elbow stays bent to its side."""
    joints = world.joints
    wanted = arm.inverse(world.targets[index], joints[1])
    acceleration = (
        _FREQUENCY**2 * (wanted - joints) - 2 * _FREQUENCY * world.joint_velocities
    )
    action = world.torques(acceleration) / arm.TORQUES
    return expert.Command(np.clip(action, -1, 1), noise=1.0)
