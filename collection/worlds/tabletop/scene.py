"""Initial poses of an episode, with the same distribution for every family."""

import dataclasses

import numpy as np

from wtl.collection.worlds.entities.rule import Rule
from wtl.datasets.contract import seeding

# Metres and radians. Places are counted from the left (negative x).
_OBJECT_SPACING = 0.2
_OBJECT_X_JITTER = 0.015
_OBJECT_Y_RANGE = (-0.04, 0.0)
_OBJECT_YAW_RANGE = (-0.4, 0.4)
_BUTTON_SPACING = 0.16
_BUTTON_X_JITTER = 0.02
_BUTTON_Y_RANGE = (-0.24, -0.20)
_ANCHOR_X_JITTER = 0.01
_ANCHOR_Y_RANGE = (0.14, 0.17)
_GOAL_Y_RANGE = (0.40, 0.50)
_GRIPPER_LOW = (-0.2, -0.15, 0.10, -0.3)
_GRIPPER_HIGH = (0.2, 0.10, 0.16, 0.3)
RESET_ROOM = 0.04  # of each object, until the largest two could touch


@dataclasses.dataclass(frozen=True)
class Scene:
    """Initial poses; arrays over objects and buttons are in canonical order.

    Attributes:
      object_places: [n] place of each object, counted from the left.
      button_places: [n] place of each button, counted from the left.
      object_slots: [n] canonical object index shown in each observation slot.
      button_slots: [n] canonical button index shown in each observation slot.
      object_poses: [n, 3] x, y (metres) and yaw (radians) of each object.
      button_positions: [n, 2] x, y of each button, metres.
      anchor: [2] x, y of the anchor, metres.
      goal: y of the middle of the goal band, metres.
      gripper: [4] x, y, z (metres) and yaw (radians) of the gripper.
    """

    object_places: np.ndarray
    button_places: np.ndarray
    object_slots: np.ndarray
    button_slots: np.ndarray
    object_poses: np.ndarray
    button_positions: np.ndarray
    anchor: np.ndarray
    goal: float
    gripper: np.ndarray

    def places(self, kind: int) -> np.ndarray:
        """[n] place of each entity of a kind, counted from the left."""
        return (self.object_places, self.button_places)[kind]

    def referent(self, rule: Rule, kind: int) -> int:
        """Return the canonical index of the entity that a rule picks."""
        return rule.referent(self.places(kind))

    def slots(self, kind: int) -> np.ndarray:
        """[n] canonical index in each observation slot of a kind."""
        return (self.object_slots, self.button_slots)[kind]

    def dressed(self, objects):
        """Return an object set as it looks in this scene."""
        return objects

    def displaced(self, error: float, seed: int) -> "Scene":
        """Return the scene with each object up to `error` metres off in x and y."""
        shift = np.zeros_like(self.object_poses)
        rng = seeding.generator("reset", seed)
        shift[:, :2] = rng.uniform(-error, error, shift[:, :2].shape)
        return dataclasses.replace(self, object_poses=self.object_poses + shift)


def disturbed(scene: Scene, noise: float, seed: int) -> Scene:
    """Return a scene with noise (standard deviation in metres) on x, y of objects."""
    shift = np.zeros_like(scene.object_poses)
    rng = seeding.generator("start", seed)
    shift[:, :2] = noise * rng.standard_normal(shift[:, :2].shape)
    return dataclasses.replace(scene, object_poses=scene.object_poses + shift)


def draw(size: int, scene_seed: int) -> Scene:
    """Draw a scene of `size` objects and buttons, a pure function of the seed."""
    rng = seeding.generator("scene", scene_seed)
    object_places = rng.permutation(size)
    button_places = rng.permutation(size)
    object_xs = (object_places - (size - 1) / 2) * _OBJECT_SPACING
    button_xs = (button_places - (size - 1) / 2) * _BUTTON_SPACING
    # Between the lanes along which objects are struck.
    anchor_xs = (np.arange(size - 1) - (size - 2) / 2) * _OBJECT_SPACING

    def poses(xs, jitter, *ranges):
        """Add jitter to [n] xs, and a uniform column for each range."""
        columns = [xs + rng.uniform(-jitter, jitter, len(xs))]
        columns += [rng.uniform(*limits, len(xs)) for limits in ranges]
        return np.stack(columns, axis=1)

    return Scene(
        object_places=object_places,
        button_places=button_places,
        object_slots=rng.permutation(size),
        button_slots=rng.permutation(size),
        object_poses=poses(
            object_xs, _OBJECT_X_JITTER, _OBJECT_Y_RANGE, _OBJECT_YAW_RANGE
        ),
        button_positions=poses(button_xs, _BUTTON_X_JITTER, _BUTTON_Y_RANGE),
        anchor=poses(rng.choice(anchor_xs, 1), _ANCHOR_X_JITTER, _ANCHOR_Y_RANGE)[0],
        goal=float(rng.uniform(*_GOAL_Y_RANGE)),
        gripper=rng.uniform(_GRIPPER_LOW, _GRIPPER_HIGH),
    )
