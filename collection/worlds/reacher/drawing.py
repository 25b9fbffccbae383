"""Shapes of the reacher in drawings of episodes, seen from above."""

import numpy as np

from wtl.collection.drawing.scene import INK, Scene, Shape
from wtl.collection.worlds.reacher import arm, observation, world
from wtl.datasets.contract.layout import slices

_REACH = (0.9, 0.87, 0.82)  # RGB
_LINK = (0.01, arm.LINK / 2)  # metres, half extents


def scene(states: np.ndarray, layout: observation.Layout) -> Scene:
    """Return the scene of an episode.

    Args:
      states: [T, S] states.
      layout: their layout.
    """
    rows = layout.split(states)
    joints, fields = slices(observation.ARM), slices(observation.TARGET)
    targets = rows["targets"][0]
    angles = np.arctan2(
        rows["arm"][:, joints["sin_joints"]], rows["arm"][:, joints["cos_joints"]]
    )
    yaw = np.unwrap(angles, axis=0).cumsum(axis=1)  # of each link, from the y axis
    half = arm.LINK / 2 * np.stack([-np.sin(yaw), np.cos(yaw)], axis=-1)
    links = half[:, 0], 2 * half[:, 0] + half[:, 1]
    radius = (world.TARGET_RADIUS,) * 2
    return Scene(
        [
            Shape("disc", np.zeros(2), (arm.REACH, arm.REACH), _REACH),
            *(
                Shape(
                    "disc", row[fields["position"]], radius, row[fields["rgb"]], slot=i
                )
                for i, row in enumerate(targets)
            ),
            *(
                Shape("capsule", at, _LINK, INK, yaw[:, i], opacity=0.7)
                for i, at in enumerate(links)
            ),
        ],
        path=rows["arm"][:, joints["tip"]],
        corner=(-1.05 * arm.REACH, 1.05 * arm.REACH),
        width=2.1 * arm.REACH,
    )
