"""Six-joint arm with the kinematics of a UR10e that holds the gripper pointing down.

Lengths, masses, torques and speeds are those that Universal Robots publishes ("DH
parameters for calculations of kinematics and dynamics"; "Max. joint torques"; data
sheet of the UR10e). The shapes are cylinders made here: there are no meshes.
"""

import math

import mujoco
import numpy as np
from dm_control import composer, mjcf

from wtl.collection.worlds.tabletop import arena, gripper

JOINTS = tuple(f"joint{i}" for i in range(1, 7))

# Denavit-Hartenberg parameters, metres and radians: a, d, alpha of each joint.
DH = (
    (0.0, 0.1807, math.pi / 2),
    (-0.6127, 0.0, 0.0),
    (-0.57155, 0.0, 0.0),
    (0.0, 0.17415, math.pi / 2),
    (0.0, 0.11985, -math.pi / 2),
    (0.0, 0.11655, 0.0),
)
LIMIT = 2 * math.pi  # radians, of every joint
SPEEDS = np.radians((120.0, 120.0, 180.0, 180.0, 180.0, 180.0))  # per second
_TORQUES = (330.0, 330.0, 150.0, 56.0, 56.0, 56.0)  # Nm
_MASSES = (7.369, 13.051, 3.989, 2.1, 1.98, 0.615)  # kg
# Inertias of rotors times squared gear ratios, kg m^2: typical sizes, not published.
_ARMATURES = (2.0, 2.0, 1.0, 0.2, 0.2, 0.2)
_KP = (20000.0, 20000.0, 8000.0, 1500.0, 1500.0, 800.0)  # Nm/rad
_LAG = 0.05  # seconds behind a moving setpoint, as the free gripper

# Behind the goal band, facing the front camera: nearly all that may be acted on stays
# in its view. So turned, the first joint is near zero over the workspace.
BASE = (0.0, 0.85, 0.0)  # metres
_BASE_YAW = math.pi / 2  # radians
FLANGE = 0.12  # metres above the finger tips

TUBE, CAP, RING = "tube", "cap", "ring"  # materials
_COLOURS = {
    TUBE: (0.78, 0.79, 0.81),
    CAP: (0.33, 0.56, 0.76),
    RING: (0.20, 0.21, 0.23),
}


class Arm(composer.ModelWrapperEntity):
    """Position-controlled arm with the gripper's fingers at its flange."""

    def _build(self, name: str = "ur10e"):
        root = arena.part(name)
        for material, rgb in _COLOURS.items():
            root.asset.add(
                "material", name=material, rgba=(*rgb, 1), specular=0.5, shininess=0.6
            )
        link = root.worldbody.add(
            "body", name="base", pos=BASE, euler=(0, 0, _BASE_YAW)
        )
        _cylinder(link, (0, 0, 0), (0, 0, 0.012), 0.105, RING)
        _cylinder(link, (0, 0, 0.012), (0, 0, 0.06), 0.088)
        before = (0.0, 0.0, 0.0)
        for i, joint in enumerate(JOINTS):
            link = self._add_link(root, link, before, joint, i)
            before = DH[i]
        last, _, twist = before
        flange = link.add(
            "body", name="flange", pos=(last, 0, before[1]), euler=(twist, 0, 0)
        )
        # The fingers point along the flange's axis, which points down.
        hand = flange.add(
            "body",
            name="hand",
            pos=(0, 0, FLANGE),
            xyaxes=(-1, 0, 0, 0, 1, 0),
            gravcomp=1,
        )
        gripper.add_hand(root, hand)
        _cylinder(hand, (0, 0, 0.094), (0, 0, FLANGE), 0.034, RING)
        super()._build(root)

    def _add_link(self, root: mjcf.RootElement, parent, before, name: str, i: int):
        a, d, alpha = before
        link = parent.add(
            "body", name=f"link{i + 1}", pos=(a, 0, d), euler=(alpha, 0, 0), gravcomp=1
        )
        joint = link.add(
            "joint",
            name=name,
            type="hinge",
            axis=(0, 0, 1),
            range=(-LIMIT, LIMIT),
            limited=True,
            armature=_ARMATURES[i],
        )
        torque = _TORQUES[i]
        root.actuator.add(
            "position",
            name=name,
            joint=joint,
            kp=_KP[i],
            kv=_LAG * _KP[i],
            forcerange=(-torque, torque),
        )
        length, offset, _ = DH[i]
        link.add(
            "inertial",
            pos=(length / 2, 0, offset / 2),
            mass=_MASSES[i],
            diaginertia=_rod_inertia(_MASSES[i], abs(length) + offset),
        )
        _SHAPES[i](link)
        return link


def _rod_inertia(mass: float, length: float) -> tuple[float, float, float]:
    across = mass * (length**2 / 12 + 0.05**2 / 4)
    return (across,) * 3


def _cylinder(body, start, end, radius: float, material: str = TUBE):
    gripper.draw(body, "cylinder", start, end, radius, material)


def _shoulder(link):
    d = DH[0][1]
    _cylinder(link, (0, 0, 0.06), (0, 0, d), 0.076)
    _cylinder(link, (0, 0.085, d), (0, -0.09, d), 0.08)
    _cylinder(link, (0, 0.085, d), (0, 0.1, d), 0.07, CAP)
    _cylinder(link, (0, -0.09, d), (0, -0.1, d), 0.072, RING)


def _upper_arm(link):
    _limb(link, DH[1][0], 0.176, (0.076, 0.062, 0.056), 0.076)


def _forearm(link):
    _limb(link, DH[2][0], 0.042, (0.06, 0.05, 0.045), 0.06)


def _limb(link, length: float, side: float, radii, half_width: float):
    """Draw a tube beside the joint's axis, between two housings along it."""
    near, far, tube = radii
    end = (length, 0, side)
    for x, radius in ((0, near), (length, far)):
        low, high = side - half_width, side + half_width
        _cylinder(link, (x, 0, low), (x, 0, high), radius)
        _cylinder(link, (x, 0, high), (x, 0, high + 0.014), radius - 0.009, CAP)
        _cylinder(link, (x, 0, low - 0.008), (x, 0, low), radius - 0.006, RING)
    _cylinder(link, (0, 0, side), end, tube)


def _wrist_1(link):
    d = DH[3][1]
    _cylinder(link, (0, 0, d - 0.07), (0, 0, d + 0.055), 0.047)
    _cylinder(link, (0, 0, d + 0.055), (0, 0, d + 0.068), 0.04, CAP)
    _cylinder(link, (0, 0, d), (0, -0.062, d), 0.046)
    _cylinder(link, (0, -0.062, d), (0, -0.068, d), 0.042, RING)


def _wrist_2(link):
    d = DH[4][1]
    _cylinder(link, (0, 0, d - 0.052), (0, 0, d + 0.052), 0.046)
    _cylinder(link, (0, 0, d + 0.052), (0, 0, d + 0.065), 0.039, CAP)
    _cylinder(link, (0, 0, d), (0, 0.06, d), 0.046)
    _cylinder(link, (0, 0.06, d), (0, 0.066, d), 0.042, RING)


def _wrist_3(link):
    d = DH[5][1]
    _cylinder(link, (0, 0, d - 0.05), (0, 0, d - 0.008), 0.045)
    _cylinder(link, (0, 0, d - 0.008), (0, 0, d), 0.04, RING)


_SHAPES = (_shoulder, _upper_arm, _forearm, _wrist_1, _wrist_2, _wrist_3)


def joints_of(pose: np.ndarray) -> np.ndarray:
    """Return the joint angles at which the gripper points down at a pose.

    Closed-form inverse kinematics of the branch with the elbow up (Hawkins, "Analytic
    inverse kinematics for the Universal Robots UR-5/UR-10 arms", 2013). Out of reach,
    the arm stretches towards the pose.

    Args:
      pose: [4] x, y, z of the finger tips (metres) and yaw (radians).

    Returns:
      [6] radians.
    """
    x, y, z, yaw = pose.tolist()
    ahead, aside = BASE[1] - y, x - BASE[0]
    (_, d1, _), (a2, _, _), (a3, _, _), (_, d4, _), (_, d5, _), (_, d6, _) = DH
    # With the flange pointing down, the fifth joint stays at a right angle, and the
    # other joints move wrist 1 in a vertical plane beside the base's axis.
    distance = max(math.hypot(ahead, aside), d4)
    first = math.atan2(aside, ahead) - math.asin(d4 / distance)
    out = math.sqrt(distance**2 - d4**2) - d5
    up = z + FLANGE + d6 - d1
    cosine = (out**2 + up**2 - a2**2 - a3**2) / (2 * a2 * a3)
    bend = math.acos(min(max(cosine, -1.0), 1.0))
    rise = math.atan2(up, out) + math.atan2(
        -a3 * math.sin(bend), -a2 - a3 * math.cos(bend)
    )
    return np.array(
        (
            first,
            -rise,
            bend,
            rise - bend - math.pi / 2,
            -math.pi / 2,
            first - yaw,
        )
    )


class ArmControl:
    """Addresses of the arm in a model, and its control by poses; see `FreeControl`."""

    def __init__(self, compiled: mujoco.MjModel, name: str):
        """Look up joints and hand."""
        found = [compiled.joint(f"{name}/{joint}") for joint in JOINTS]
        self._qpos = np.array([joint.qposadr[0] for joint in found])
        self._dof = np.array([joint.dofadr[0] for joint in found])
        self._hand = compiled.body(f"{name}/hand").id
        self._jacobian = np.empty((3, compiled.nv))

    def place(self, data: mujoco.MjData, control: np.ndarray):
        """See `FreeControl`."""
        data.qpos[self._qpos] = data.ctrl[:6] = joints_of(control[:4])
        data.ctrl[6:] = control[4:]

    def drive(self, data: mujoco.MjData, control: np.ndarray, seconds: float):
        """See `FreeControl`."""
        self.drive_joints(data, joints_of(control[:4]), control[4:], seconds)

    def drive_joints(
        self,
        data: mujoco.MjData,
        joints: np.ndarray,
        openings: np.ndarray,
        seconds: float,
    ):
        """As `drive`, given angles; no joint setpoint is faster than its joint."""
        change = joints - data.ctrl[:6]
        data.ctrl[:6] += change / max(1.0, (np.abs(change) / SPEEDS).max() / seconds)
        data.ctrl[6:] = openings

    def joints(self, data: mujoco.MjData) -> np.ndarray:
        """Return the [6] joint angles, radians."""
        return data.qpos[self._qpos]

    def tilt(self, data: mujoco.MjData) -> np.ndarray:
        """Return the [2] x and y of the unit vector from the finger tips to the palm.

        They are zero where the gripper points down.
        """
        return data.xmat[self._hand][[2, 5]]

    def reached(
        self, compiled: mujoco.MjModel, data: mujoco.MjData, joints: np.ndarray
    ) -> np.ndarray:
        """Put the arm at joint angles; return the [6, 6] Jacobian of the hand there.

        Rows are the linear velocity of the finger tips and the angular velocity.
        `data` is for this alone: nothing but positions is computed.
        """
        data.qpos[self._qpos] = joints
        mujoco.mj_kinematics(compiled, data)
        mujoco.mj_comPos(compiled, data)
        jacobian = np.empty((6, compiled.nv))
        mujoco.mj_jacBody(compiled, data, jacobian[:3], jacobian[3:], self._hand)
        return jacobian[:, self._dof]

    def pose(self, data: mujoco.MjData) -> np.ndarray:
        """See `FreeControl`."""
        rotation = data.xmat[self._hand]
        return np.array((*data.xpos[self._hand], math.atan2(rotation[3], rotation[0])))

    def velocity(self, compiled: mujoco.MjModel, data: mujoco.MjData) -> np.ndarray:
        """See `FreeControl`."""
        mujoco.mj_jacBody(compiled, data, self._jacobian, None, self._hand)
        return self._jacobian[:, self._dof] @ data.qvel[self._dof]
