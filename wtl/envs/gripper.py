"""A free-flying parallel gripper: four arm joints and two coupled fingers."""

from dm_control import composer, mjcf

from wtl.envs import arena

# Joint ranges; metres and radians. z is the height of the finger tips.
X_RANGE = (-0.32, 0.32)
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

_ARM_AXES = {"x": (1, 0, 0), "y": (0, 1, 0), "z": (0, 0, 1), "yaw": (0, 0, 1)}
_ARM_RANGES = {"x": X_RANGE, "y": Y_RANGE, "z": Z_RANGE, "yaw": YAW_RANGE}
_RGBA = (0.25, 0.25, 0.28, 1)


class Gripper(composer.Entity):
    """Position-controlled gripper; every actuator takes a joint setpoint."""

    def _build(self, name: str = "gripper"):
        self._mjcf_root = mjcf.RootElement(model=name)
        arena.set_contact_defaults(self._mjcf_root)
        hand = self._mjcf_root.worldbody.add("body", name="hand", gravcomp=1)
        hand.add("inertial", pos=(0, 0, 0.08), mass=0.5, diaginertia=(1e-3,) * 3)
        for joint_name in ARM_JOINTS:
            joint = hand.add(
                "joint",
                name=joint_name,
                type="hinge" if joint_name == "yaw" else "slide",
                axis=_ARM_AXES[joint_name],
                range=_ARM_RANGES[joint_name],
                limited=True,
            )
            gains = (
                dict(kp=2.5, forcerange=(-2, 2))
                if joint_name == "yaw"
                else dict(kp=900, forcerange=(-40, 40))
            )
            self._mjcf_root.actuator.add(
                "position", name=joint_name, joint=joint, dampratio=1, **gains
            )
        hand.add(
            "geom",
            name="palm",
            type="box",
            size=(0.055, 0.015, 0.012),
            pos=(0, 0, 0.082),
            mass=0,
            rgba=_RGBA,
        )
        for finger, side in zip(FINGERS, (-1, 1), strict=True):
            self._add_finger(hand, finger, side)
        # The joint limits keep the closed fingers apart more cheaply than contacts.
        self._mjcf_root.contact.add("exclude", body1=FINGERS[0], body2=FINGERS[1])
        self._mjcf_root.equality.add(
            "joint",
            joint1=FINGERS[0],
            joint2=FINGERS[1],
            polycoef=(0, 1, 0, 0, 0),
            solref=(0.008, 1),
        )

    def _add_finger(self, hand, name: str, side: int):
        body = hand.add("body", name=name, gravcomp=1)
        joint = body.add(
            "joint",
            name=name,
            type="slide",
            axis=(side, 0, 0),
            range=FINGER_RANGE,
            limited=True,
            damping=1,
        )
        body.add(
            "geom",
            name=f"{name}_pad",
            type="box",
            size=PAD_HALF_SIZES,
            pos=(side * PAD_HALF_SIZES[0], 0, PAD_HALF_SIZES[2]),
            mass=0.05,
            friction=(1.5, 0.02, 0.001),
            condim=4,
            rgba=_RGBA,
        )
        self._mjcf_root.actuator.add(
            "position", name=name, joint=joint, kp=300, kv=12, forcerange=(-6, 6)
        )

    @property
    def mjcf_model(self):
        """The PyMJCF root element of the gripper."""
        return self._mjcf_root
