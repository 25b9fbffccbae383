"""Free-flying parallel gripper: four arm joints and two coupled fingers."""

import mujoco
import numpy as np
from dm_control import composer, mjcf

from wtl.collection.worlds.tabletop import arena

# Joint ranges; metres and radians. z is the height of the finger tips.
X_RANGE = (-0.46, 0.46)
Y_RANGE = (-0.34, 0.24)
Z_RANGE = (0.0, 0.27)
YAW_RANGE = (-1.8, 1.8)
FINGER_RANGE = (0.0, 0.045)

# Commanded opening of each finger, metres. Closing further than zero keeps closed
# fingers together when they strike a round object.
FINGER_OPEN = 0.042
FINGER_CLOSED = -0.01
PAD_HALF_SIZES = (0.006, 0.012, 0.032)

ARM_JOINTS = ("x", "y", "z", "yaw")
FINGERS = ("left", "right")

_ARM_AXES = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 1))
_ARM_RANGES = (X_RANGE, Y_RANGE, Z_RANGE, YAW_RANGE)
_RGBA = (0.25, 0.25, 0.28, 1)

WRIST_CAMERA = "wrist"


class Gripper(composer.ModelWrapperEntity):
    """Position-controlled gripper; every actuator takes a joint setpoint."""

    def _build(self, name: str = "gripper"):
        root = arena.part(name)
        hand = root.worldbody.add("body", name="hand", gravcomp=1)
        add_arm(root, hand, kp=900, yaw_kp=2.5)
        add_hand(root, hand)
        super()._build(root)


def add_hand(root: mjcf.RootElement, hand):
    """Add palm, wrist camera and fingers to the body of a hand."""
    hand.add("inertial", pos=(0, 0, 0.08), mass=0.5, diaginertia=(1e-3,) * 3)
    hand.add(
        "geom",
        name="palm",
        type="box",
        size=(0.055, 0.015, 0.012),
        pos=(0, 0, 0.082),
        mass=0,
        rgba=_RGBA,
    )
    # Beside the palm, it looks past it at the finger tips.
    hand.add(
        "camera",
        name=WRIST_CAMERA,
        pos=(0, -0.07, 0.1),
        xyaxes=(1, 0, 0, 0, 0.1, 0.07),
        fovy=70,
    )
    for finger, side in zip(FINGERS, (-1, 1), strict=True):
        pad = add_finger(root, hand, finger, side, PAD_HALF_SIZES, kp=300, kv=12)
        pad.rgba = _RGBA
    couple_fingers(root)


def add_arm(root: mjcf.RootElement, body, kp: float, yaw_kp: float):
    """Add the arm's joints to a body, and their position actuators.

    The stiffness is `kp` (N/m) of x, y and z, and `yaw_kp` (Nm/rad) of yaw.
    """
    for name, axis, limits in zip(ARM_JOINTS, _ARM_AXES, _ARM_RANGES, strict=True):
        joint = body.add(
            "joint",
            name=name,
            type="hinge" if name == "yaw" else "slide",
            axis=axis,
            range=limits,
            limited=True,
        )
        stiffness, force = (yaw_kp, 2) if name == "yaw" else (kp, 40)
        root.actuator.add(
            "position",
            name=name,
            joint=joint,
            dampratio=1,
            kp=stiffness,
            forcerange=(-force, force),
        )


def add_finger(
    root: mjcf.RootElement,
    body,
    name: str,
    side: int,
    half_sizes: tuple[float, float, float],
    kp: float,
    kv: float,
):
    """Add a finger and its position actuator; return the geom of its pad.

    It opens along x, towards the sign of `side`. The half sizes of the pad are in
    metres, the stiffness `kp` in N/m and the damping `kv` in Ns/m.
    """
    finger = body.add("body", name=name, gravcomp=1)
    joint = finger.add(
        "joint",
        name=name,
        type="slide",
        axis=(side, 0, 0),
        range=FINGER_RANGE,
        limited=True,
        damping=1,
    )
    root.actuator.add(
        "position", name=name, joint=joint, kp=kp, kv=kv, forcerange=(-6, 6)
    )
    return finger.add(
        "geom",
        name=f"{name}_pad",
        type="box",
        size=half_sizes,
        pos=(side * half_sizes[0], 0, half_sizes[2]),
        mass=0.05,
        friction=(1.5, 0.02, 0.001),
        condim=4,
    )


def couple_fingers(root: mjcf.RootElement):
    """Make both fingers open equally far."""
    # The joint limits keep the closed fingers apart more cheaply than contacts.
    root.contact.add("exclude", body1=FINGERS[0], body2=FINGERS[1])
    root.equality.add(
        "joint",
        joint1=FINGERS[0],
        joint2=FINGERS[1],
        polycoef=(0, 1, 0, 0, 0),
        solref=(0.008, 1),
    )


def draw(body, shape: str, start, end, radius: float, material: str):
    """Add a shape between two points that is only drawn: it has no mass or contacts."""
    body.add(
        "geom",
        type=shape,
        fromto=(*start, *end),
        size=(radius,),
        mass=0,
        contype=0,
        conaffinity=0,
        material=material,
    )


class FreeControl:
    """Addresses of a free body in a model, and its control by poses.

    A control is [6]: x, y, z, yaw and the openings of both fingers.
    """

    def __init__(self, compiled: mujoco.MjModel, name: str):
        """Look up the joints of the body of a name."""
        found = [compiled.joint(f"{name}/{joint}") for joint in ARM_JOINTS]
        self._qpos = np.array([joint.qposadr[0] for joint in found])
        self._velocity = np.array([joint.dofadr[0] for joint in found[:3]])

    def place(self, data: mujoco.MjData, control: np.ndarray):
        """Put the body, at rest, where a control holds it."""
        data.qpos[self._qpos] = control[:4]
        data.ctrl[:] = control

    def drive(self, data: mujoco.MjData, control: np.ndarray, seconds: float):
        """Command a control that is to be reached in some seconds."""
        del seconds  # any joint is fast enough
        data.ctrl[:] = control

    def pose(self, data: mujoco.MjData) -> np.ndarray:
        """Return the [4] x, y, z of the finger tips and the yaw."""
        return data.qpos[self._qpos]

    def velocity(self, compiled: mujoco.MjModel, data: mujoco.MjData) -> np.ndarray:
        """Return the [3] linear velocity of the finger tips."""
        del compiled
        return data.qvel[self._velocity]
