"""Drawing of a runner, seen from its right side, which stays in the middle."""

import dataclasses
import math

import mujoco
import numpy as np

from wtl.collection.drawing.annotation import WIDTH
from wtl.collection.drawing.scene import INK, Scene, Shape
from wtl.collection.worlds.plain.layout import PlainLayout
from wtl.collection.worlds.runner import environment
from wtl.collection.worlds.runner.body import Body

_GROUND, _MARK, _FAR = (0.85, 0.82, 0.76), (0.6, 0.56, 0.5), (0.55, 0.55, 0.58)
_WIDTH, _BELOW = 3.4, 0.35  # metres; of the picture, and below the ground
_HEIGHT = 140  # pixels
_BETWEEN_MARKS = 1.0  # metres
_MARK_SIZE = (0.025, 0.06)  # metres, half extents
_FRAMES = 250  # more would make files larger, and films no smoother
_CAPSULE = mujoco.mjtGeom.mjGEOM_CAPSULE
_LEFT_OUT = mujoco.mjtGeom.mjGEOM_CYLINDER  # of the head


@dataclasses.dataclass(frozen=True)
class Drawing:
    """Drawing of the states of a body.

    Attributes:
      body: the body.
    """

    body: Body

    def scene(self, states: np.ndarray, layout: PlainLayout) -> Scene:
        """Return the scene of an episode; marks on the ground show how far it runs.

        The ground is drawn level: states do not show its slope.

        Args:
          states: [T, S] states; numbers that are not finite are drawn as 0.
          layout: their layout.
        """
        del layout
        states = np.nan_to_num(states, posinf=0.0, neginf=0.0)
        way = np.cumsum(states[:, environment.FORWARD]) / self.body.control_hz
        every = math.ceil(len(states) / _FRAMES)
        return Scene(
            [
                Shape("box", np.array([0.0, -1.0]), (_WIDTH, 1.0), _GROUND),
                *_marks(way[::every]),
                *self._limbs(states[::every]),
            ],
            path=None,
            corner=(-_WIDTH / 2, _WIDTH * _HEIGHT / WIDTH - _BELOW),
            width=_WIDTH,
            height=_HEIGHT,
        )

    def _limbs(self, states: np.ndarray) -> list[Shape]:
        """Return the parts of the body, the farthest first."""
        physics = environment.compiled(self.body)
        model, data = physics.model.ptr, physics.data.ptr
        torso = model.body("torso").id
        position, axis = [], []
        for posture in self.body.postures(states):
            data.qpos[:] = posture
            mujoco.mj_kinematics(model, data)
            position.append(data.geom_xpos - data.xpos[torso] * (1, 0, 0))
            axis.append(data.geom_xmat.reshape(-1, 3, 3)[..., 2])
        position, axis = np.stack(position), np.stack(axis)
        parts = [
            i
            for i in range(model.ngeom)
            if model.geom_bodyid[i] and model.geom_type[i] != _LEFT_OUT
        ]
        parts.sort(key=lambda i: -position[0, i, 1])
        return [
            _limb(model.geom_type[i], model.geom_size[i], position[:, i], axis[:, i])
            for i in parts
        ]


def _limb(kind: int, size: np.ndarray, position: np.ndarray, axis: np.ndarray):
    """Return a part with centres and long axes [T, 3]."""
    rgb = _FAR if position[0, 1] > _MARK_SIZE[0] else INK
    at, along = position[:, ::2], axis[:, ::2]
    if kind == _CAPSULE:
        radius, half = size[:2]
        # Legs that swing sideways are foreshortened; the longest view leaves no gap.
        half = half * np.linalg.norm(along, axis=1).max() + radius
        yaw = np.unwrap(np.arctan2(-along[:, 0], along[:, 1]))
        return Shape("capsule", at, (radius, half), rgb, yaw)
    return Shape("disc", at, (size[-1] or size[0],) * 2, rgb)


def _marks(way: np.ndarray) -> list[Shape]:
    """Return marks on the ground that come back from the right."""
    count = math.ceil(_WIDTH / _BETWEEN_MARKS) + 1
    span, marks = count * _BETWEEN_MARKS, []
    for i in range(count):
        x = (i * _BETWEEN_MARKS - way) % span - span / 2
        jumps = np.abs(np.diff(x, append=x[-1])) > span / 2
        at = np.stack([x, np.full(len(x), -_MARK_SIZE[1])], axis=1)
        marks.append(Shape("box", at, _MARK_SIZE, _MARK, visible=~jumps))
    return marks
