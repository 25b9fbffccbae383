"""Network inputs: those of the tabletop, and the joints of the arm."""

import numpy as np
import tensorflow as tf

from wtl.collection.worlds.tabletop import arm, features
from wtl.collection.worlds.tabletop.features import entities, relations, step
from wtl.collection.worlds.tabletop_joints.observation import JOINTS
from wtl.collection.worlds.tabletop_joints.world import JOINT_STEP
from wtl.datasets.contract.layout import slices

__all__ = ["body", "entities", "motion", "relations", "step"]

_MIDDLE = arm.joints_of(np.array([0.0, -0.05, 0.1, 0.0]))  # of the workspace


def _joints(rows: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    return {name: rows["joints"][..., place] for name, place in slices(JOINTS).items()}


def motion(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    """See `wtl.collection.worlds.tabletop.features.motion`."""
    setpoint, finger = _joints(rows)["setpoint"], features.motion(rows)[..., -1:]
    moved = (setpoint[:, 1:] - setpoint[:, :-1]) / JOINT_STEP.astype("float32")
    return tf.concat([tf.pad(moved, ((0, 0), (0, 1), (0, 0))), finger], axis=-1)


def body(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    """Return features [..., G] of gripper, joints, anchor, goal and time."""
    joints = _joints(rows)
    setpoint = joints["setpoint"]
    return tf.concat(
        [
            features.body(rows),
            (setpoint - _MIDDLE.astype("float32")) * 2,
            (setpoint - joints["angle"]) * 10,
            joints["tilt"] * 10,
        ],
        axis=-1,
    )
