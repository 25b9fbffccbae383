"""Initial poses of targets and arm."""

import dataclasses

import numpy as np

from wtl.collection.worlds.entities.rule import Rule
from wtl.collection.worlds.reacher import arm
from wtl.datasets.contract import seeding
from wtl.datasets.contract.errors import UserError

# Metres and radians. The original drew targets beyond the reach of its arm; here all
# lie on one arc that it reaches with a bent elbow.
DISTANCE = 0.16  # of every target from the base
_ANGLE = 1.2  # largest angle of a target from the y axis
_APART = 0.6  # smallest angle between two targets
_SHOULDER = 1.5  # largest angle at the start
_ELBOW = (0.4, 1.0)  # to either side; every target asks for 1.7
# Both joints have to move, whichever the target is: with a wrong sign of a gain the arm
# never gets there.
_MIN_TURN = 0.5
_DRAWS = 100_000  # more than the largest number that fits ever took


@dataclasses.dataclass(frozen=True)
class Scene:
    """Initial poses; arrays over targets are in canonical order.

    Attributes:
      target_places: [n] place of each target, counted from the left.
      target_slots: [n] canonical index shown in each observation slot.
      positions: [n, 2] x, y of each target, metres.
      joints: [2] angles of shoulder and elbow, radians.
    """

    target_places: np.ndarray
    target_slots: np.ndarray
    positions: np.ndarray
    joints: np.ndarray

    def places(self, kind: int) -> np.ndarray:
        """[n] place of each target, counted from the left; there is one kind."""
        del kind
        return self.target_places

    def referent(self, rule: Rule, kind: int) -> int:
        """Return the canonical index of the entity that a rule picks."""
        return rule.referent(self.places(kind))

    def slots(self, kind: int) -> np.ndarray:
        """[n] canonical index in each observation slot."""
        del kind
        return self.target_slots


def draw(size: int, scene_seed: int) -> Scene:
    """Draw a scene of `size` targets, a pure function of the seed.

    Raises:
      UserError: if so many targets do not fit on the arc.
    """
    rng = seeding.generator("reacher scene", scene_seed)
    fits = (size - 1) * _APART < 2 * _ANGLE
    for _ in range(_DRAWS if fits else 0):
        angles = rng.uniform(-_ANGLE, _ANGLE, size)
        apart = np.abs(angles[:, None] - angles)[np.triu_indices(size, 1)]
        elbow = rng.choice((-1.0, 1.0)) * rng.uniform(*_ELBOW)
        joints = np.array([rng.uniform(-_SHOULDER, _SHOULDER), elbow])
        positions = DISTANCE * np.stack([-np.sin(angles), np.cos(angles)], axis=1)
        turns = np.array([arm.inverse(p, elbow) - joints for p in positions])
        if apart.min(initial=np.inf) > _APART and np.abs(turns).min() > _MIN_TURN:
            return Scene(
                target_places=positions[:, 0].argsort().argsort(),
                target_slots=rng.permutation(size),
                positions=positions,
                joints=joints,
            )
    raise UserError(
        f"{size} targets, each {_APART} rad apart, do not fit on an arc of "
        f"{2 * _ANGLE} rad; lower suite.size"
    )
