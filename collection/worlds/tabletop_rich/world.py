"""Physics of a scene with two bands and clutter."""

import copy

import numpy as np

from wtl.collection.worlds.tabletop import arena, model
from wtl.collection.worlds.tabletop import world as worlds
from wtl.collection.worlds.tabletop_rich.rules import SECOND


class World(worlds.World):
    """See the base class; `goal` is that of the green band."""

    def _place(self, scene):
        super()._place(scene)
        self.bands = np.sort([scene.goal, scene.blue])  # the nearer first
        self._move(arena.SECOND_GOAL, (0, scene.blue, 0))
        for i, (at, prop) in enumerate(zip(scene.clutter, self.object_set.clutter)):
            self._move(model.clutter_name(i), (*at, prop.half_sizes[2]))

    def _move(self, body: str, position):
        self.data.mocap_pos[self.model.body(body).mocapid[0]] = position

    def entity_and_way(self, target: int) -> tuple[int, int]:
        """Return the canonical index of the entity of a target, and the way."""
        way, index = divmod(target, self.object_set.size)
        return index, way

    def aimed(self, way: int) -> "World":
        """Return this world, not a copy of its state, with the goal of a way."""
        aimed = copy.copy(self)
        aimed.goal = float(self.bands[int(way == SECOND)])
        return aimed
