"""Right hand of the simulated human, on a forearm; it moves as the gripper does.

Two hidden pads touch things, one below the thumb and one below the index and middle
finger. The digits are drawn over them: polynomials of the opening of the pads, fitted
to two-link inverse kinematics, couple their joints to the pads. Where the pads touch,
the middle, ring and little finger curl up: the hand points.
"""

import dataclasses

import numpy as np
from dm_control import composer

from wtl.collection.worlds.tabletop import arena, gripper

SKIN = "skin"  # material
SLEEVE = "sleeve"  # material
SKIN_RGB = (0.87, 0.67, 0.55)
SLEEVE_RGB = (0.22, 0.32, 0.52)

# Like the gripper's frame: x across the pads, y forward, tips at a height of zero.
_WRIST = (0.006, -0.098, 0.112)  # metres
_THUMB_BASE = (-0.008, -0.070, 0.092)  # metres
_ELBOW = (-0.29, -0.33, 0.35)  # metres
_WRIST_TURN = -0.85  # of the yaw, so that the elbow stays on the near side
_PAD_HALF_SIZES = (0.006, 0.012, 0.026)  # metres
_CURLED = (0.35, 1.9)  # radians at the knuckle and at the middle joint
_CURL_OPENING = 0.016  # metres; further open than this no finger is curled
_POLYNOMIAL_DEGREE = 4  # what a joint equality takes
# Visual parts weigh next to nothing, so that they do not load the pads.
_VISUAL_MASS = 0.001  # kg
_VISUAL_INERTIA = 1e-7  # kg m^2
_HIDDEN_GROUP = 3


@dataclasses.dataclass(frozen=True)
class Digit:
    """Thumb or finger; lengths in metres, positions in the frame of the hand.

    Attributes:
      name: prefix of its parts.
      side: 1 if it moves with the right pad, -1 with the left.
      knuckle: [3] where it leaves the palm.
      tip: [3] middle of its rounded tip when the pads touch.
      lengths: from knuckle to middle joint, and from there to the middle of the tip.
      radius: of the tip; it widens towards the knuckle.
      curls: whether it curls up where the pads touch.
    """

    name: str
    side: int
    knuckle: tuple[float, float, float]
    tip: tuple[float, float, float]
    lengths: tuple[float, float]
    radius: float
    curls: bool = False

    def plane(self) -> tuple[np.ndarray, float]:
        """Unit [3] "up" vector of the plane it moves in, and the depth of the tip."""
        up = np.subtract(self.knuckle, self.tip) * (0, 1, 1)
        depth = float(np.linalg.norm(up))
        return up / depth, depth

    def angles(self, opening: np.ndarray) -> np.ndarray:
        """Angles [2, N] of its joints, radians, for openings [N] of its pad, metres."""
        _, depth = self.plane()
        first, second = self.lengths
        across = self.side * (self.tip[0] - self.knuckle[0]) + opening
        reach = np.minimum(np.hypot(across, depth), 0.999 * (first + second))
        outward = np.arccos((first**2 + reach**2 - second**2) / (2 * first * reach))
        inside = np.arccos((first**2 + second**2 - reach**2) / (2 * first * second))
        angles = np.array([np.arctan2(-across, depth) - outward, np.pi - inside])
        if self.curls:
            share = np.clip(1 - opening / _CURL_OPENING, 0, 1)
            share = share**2 * (3 - 2 * share)
            angles += share * (np.array(_CURLED)[:, None] - angles)
        return self.side * angles


# fmt: off
DIGITS = (
    Digit("thumb", -1, (-0.036, -0.030, 0.060), (-0.009, 0.000, 0.010),
          (0.036, 0.034), 0.0095),
    Digit("index", 1, (0.030, -0.014, 0.088), (0.008, 0.004, 0.008),
          (0.046, 0.046), 0.0078),
    Digit("middle", 1, (0.036, -0.034, 0.091), (0.009, -0.014, 0.008),
          (0.050, 0.050), 0.0080, curls=True),
    Digit("ring", 1, (0.037, -0.053, 0.089), (0.020, -0.036, 0.036),
          (0.046, 0.046), 0.0076, curls=True),
    Digit("little", 1, (0.034, -0.070, 0.084), (0.024, -0.053, 0.046),
          (0.036, 0.036), 0.0066, curls=True),
)
# fmt: on


class Hand(composer.ModelWrapperEntity):
    """Position-controlled hand with the gripper's joints, actuators and setpoints."""

    def _build(self, name: str = "hand"):
        self._root = arena.part(name)
        for material, rgb in ((SKIN, SKIN_RGB), (SLEEVE, SLEEVE_RGB)):
            self._root.asset.add(
                "material", name=material, rgba=(*rgb, 1), specular=0.1, shininess=0.1
            )
        palm = self._root.worldbody.add("body", name="hand", gravcomp=1)
        palm.add("inertial", pos=(0, 0, 0.08), mass=0.7, diaginertia=(1.5e-3,) * 3)
        # Softer for its mass than the gripper.
        gripper.add_arm(self._root, palm, kp=1000, yaw_kp=3)
        for finger, side in zip(gripper.FINGERS, (-1, 1), strict=True):
            pad = gripper.add_finger(
                self._root, palm, finger, side, _PAD_HALF_SIZES, kp=250, kv=14
            )
            pad.group = _HIDDEN_GROUP
        gripper.couple_fingers(self._root)
        self._add_palm(palm)
        self._add_forearm(palm)
        for digit in DIGITS:
            self._add_digit(palm, digit)
        super()._build(self._root)

    def _add_palm(self, palm):
        for digit in DIGITS:
            base = _THUMB_BASE if digit.side < 0 else _WRIST
            radius = 0.014 if digit.side < 0 else 0.0125
            _draw(palm, base, digit.knuckle, radius)
        _draw(palm, _WRIST, _THUMB_BASE, 0.015)
        first, last = DIGITS[1].knuckle, DIGITS[-1].knuckle
        _draw(palm, np.multiply(first, 0.98), last, 0.0115)
        # The heel of the hand, and the web of the thumb.
        _draw(palm, _WRIST, np.add(_WRIST, last) / 2, 0.016)
        _draw(palm, _THUMB_BASE, np.add(DIGITS[0].knuckle, first) / 2, 0.012)

    def _add_forearm(self, palm):
        forearm, joint = _add_link(palm, "forearm", _WRIST, "wrist", (0, 0, 1))
        self._follow(joint, "yaw", (0, _WRIST_TURN, 0, 0, 0))
        way = np.subtract(_ELBOW, _WRIST)
        _draw(forearm, (0, 0, 0), 0.16 * way, 0.021)
        _draw(forearm, 0.10 * way, 0.22 * way, 0.0235)
        for start, radius in ((0.20, 0.030), (0.40, 0.033), (0.65, 0.036)):
            _draw(forearm, start * way, way, radius, SLEEVE)

    def _add_digit(self, palm, digit: Digit):
        name, (up, _), axis = digit.name, digit.plane(), (0, 1, 0)
        first, second = digit.lengths
        proximal, knuckle = _add_link(
            palm, f"{name}_proximal", digit.knuckle, f"{name}_knuckle", axis
        )
        # x and z span the plane of motion, at angles of zero the digit points down.
        proximal.xyaxes = (1, 0, 0, 0, up[2], -up[1])
        _draw(proximal, (0, 0, 0), (0, 0, -first), 1.15 * digit.radius)
        distal, middle = _add_link(
            proximal, f"{name}_distal", (0, 0, -first), f"{name}_middle", axis
        )
        # The last joint stays bent a little, as an unstrained one does.
        bend = (0.004 * digit.side, 0, -0.55 * second)
        _draw(distal, (0, 0, 0), bend, 1.07 * digit.radius)
        _draw(distal, bend, (0, 0, -second), digit.radius)
        opening = np.linspace(*gripper.FINGER_RANGE, 32)
        finger = gripper.FINGERS[(digit.side + 1) // 2]
        for joint, angles in zip((knuckle, middle), digit.angles(opening), strict=True):
            coefficients = np.polyfit(opening, angles, _POLYNOMIAL_DEGREE)[::-1]
            self._follow(joint, finger, coefficients)

    def _follow(self, joint, leader: str, coefficients):
        self._root.equality.add(
            "joint",
            joint1=joint,
            joint2=leader,
            polycoef=tuple(coefficients),
            solref=(0.01, 1),
        )


def _add_link(parent, name: str, position, joint: str, axis):
    """Add a visual body on a hinge; return both."""
    body = parent.add("body", name=name, pos=position, gravcomp=1)
    inertia = (_VISUAL_INERTIA,) * 3
    body.add("inertial", pos=(0, 0, 0), mass=_VISUAL_MASS, diaginertia=inertia)
    hinge = body.add("joint", name=joint, type="hinge", axis=axis, damping=1e-5)
    return body, hinge


def _draw(body, start, end, radius: float, material: str = SKIN):
    gripper.draw(body, "capsule", start, end, radius, material)
