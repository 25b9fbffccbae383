"""Planar arm of two equal links, moved by torques; its geometry in closed form.

Joint angles are counted counter-clockwise from the y axis, so that swapping left and
right changes the sign of both angles and of both torques.
"""

import numpy as np
from dm_control import composer, mjcf

LINK = 0.12  # metres, length of each link
REACH = 2 * LINK
TIP = "tip"  # name of the site at the end of the second link
JOINTS = ("shoulder", "elbow")
JOINT_RANGES = ((-2.9, 2.9), (-2.6, 2.6))  # radians
TORQUES = (1.0, 0.5)  # Nm of the actuators at action 1
DAMPING = 0.02  # Nms/rad

_MASS = 0.6  # kg, of each link
_RADIUS = 0.012  # metres
_RGBA = (0.25, 0.25, 0.28, 1)


class Arm(composer.ModelWrapperEntity):
    """Arm on a base at the origin of a horizontal plane."""

    def _build(self, name: str = "arm"):
        root = mjcf.RootElement(model=name)
        body = root.worldbody
        for i, joint in enumerate(JOINTS):
            body = body.add("body", name=f"link_{i}", pos=(0, LINK * (i > 0), 0))
            added = body.add(
                "joint",
                name=joint,
                type="hinge",
                axis=(0, 0, 1),
                range=JOINT_RANGES[i],
                limited=True,
                damping=DAMPING,
            )
            body.add(
                "geom",
                name=f"link_{i}",
                type="capsule",
                fromto=(0, 0, 0, 0, LINK, 0),
                size=(_RADIUS,),
                mass=_MASS,
                contype=0,
                conaffinity=0,
                rgba=_RGBA,
            )
            root.actuator.add(
                "motor",
                name=joint,
                joint=added,
                gear=(TORQUES[i],),
                ctrllimited=True,
                ctrlrange=(-1, 1),
            )
        body.add("site", name=TIP, pos=(0, LINK, 0))
        super()._build(root)


def forward(joints: np.ndarray) -> np.ndarray:
    """[..., 2] elbow and tip of the arm: [..., 2, 2] x, y in metres."""
    angles = np.cumsum(joints, axis=-1)
    links = LINK * np.stack([-np.sin(angles), np.cos(angles)], axis=-1)
    return np.cumsum(links, axis=-2)


def inverse(position: np.ndarray, bent: float) -> np.ndarray:
    """Return the joint angles [2] that bring the tip to a position.

    Args:
      position: [2] x, y in metres, not further away than `REACH`.
      bent: its sign is that of the elbow's angle; there is a solution for each.
    """
    x, y = position
    cosine = np.clip((x**2 + y**2) / (2 * LINK**2) - 1, -1, 1)
    elbow = np.copysign(np.arccos(cosine), bent)
    return np.array([np.arctan2(-x, y) - elbow / 2, elbow])
