"""Layout of the observed states."""

import dataclasses
import importlib

import numpy as np

from wtl.collection.worlds.tabletop import observation
from wtl.collection.worlds.tabletop_hard import observation as hard
from wtl.collection.worlds.tabletop_rich import rules
from wtl.collection.worlds.tabletop_rich.families import LOW_LIFT
from wtl.collection.worlds.tabletop_rich.world import World
from wtl.datasets.contract.layout import slices

BUTTON = observation.BUTTON | {"radius": 1}  # m
FIXTURES = {
    "anchor": 3,  # m
    "green": 1,  # m, y of the middle of the green band
    "blue": 1,  # m, the same of the blue band
    "time": 1,  # share of the horizon that has passed
}
_SLID_Y = 0.25  # metres; further than an object gets in any other way
_LIFTED = LOW_LIFT[0]
_HIGH = 0.105  # metres; between a low and a high lift
_ON_ANCHOR = 0.045  # metres from the axis of the anchor


@dataclasses.dataclass(frozen=True)
class Layout(hard.Layout):
    """See the base class; buttons differ in size, and there are two bands."""

    tables = hard.Layout.tables | {"buttons": BUTTON, "fixtures": FIXTURES}
    ways = len(rules.WAYS)

    @property
    def features(self):
        """See the base class."""
        return importlib.import_module("wtl.collection.worlds.tabletop_rich.features")

    @property
    def drawing(self):
        """See the base class."""
        return importlib.import_module("wtl.collection.worlds.tabletop_rich.drawing")

    def observe(self, world: World, time: float) -> np.ndarray:
        """See the base class."""
        known = observation.Layout(self.size)
        rows = known.split(observation.observe(world, time))
        radius = np.array(world.object_set.button_radii)[world.scene.button_slots]
        buttons = np.append(rows["buttons"], radius[:, None], axis=1)
        anchor, _, passed = np.split(rows["fixtures"], (3, 4))
        fixtures = (*anchor, world.scene.goal, world.scene.blue, *passed)
        parts = (rows["gripper"], rows["objects"], buttons, fixtures)
        return np.concatenate([np.ravel(part) for part in parts], dtype=np.float32)

    def identities_and_places(self, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See the base class; those of targets count on from way to way."""
        found = super().identities_and_places(state)
        return tuple(self._by_way(each, self.size) for each in found)

    def acted_scores(self, states: np.ndarray) -> np.ndarray:
        """See the base class; the last state shows the way."""
        score = super().acted_scores(states)
        rows = self.split(states)
        at = rows["objects"][..., slices(observation.OBJECT)["position"]]
        fixtures = {n: rows["fixtures"][:, -1, p] for n, p in slices(FIXTURES).items()}
        bands = np.concatenate([fixtures["green"], fixtures["blue"]], axis=1)
        between = bands.mean(axis=1, keepdims=True)
        last, lift = at[:, -1], at[:, -1, :, 2] - at[:, 0, :, 2]
        aside = np.linalg.norm((last - fixtures["anchor"][:, None])[..., :2], axis=-1)
        slid = last[..., 1] > _SLID_Y
        lifted = (lift > _LIFTED) & (aside > _ON_ANCHOR)
        far = np.where(slid, last[..., 1] > between, lift > _HIGH)
        way = np.where(slid | lifted, np.where(far, rules.SECOND, rules.FIRST), 0)
        way = np.append(way, np.zeros_like(way), axis=1)  # of buttons there is one
        every = self._by_way(score, 0)
        # [N, E] the way of each target.
        of_target = self._by_way(np.zeros_like(way), 1)
        return np.where(self._by_way(way, 0) == of_target, every, 0.0)

    def _by_way(self, value: np.ndarray, step: int) -> np.ndarray:
        """[N, E] values of targets, given those of entities, rising by `step`."""
        kinds = np.split(value, len(self.kinds), axis=1)
        return np.concatenate(
            [each + way * step for each in kinds for way in range(self.ways)], axis=1
        )
