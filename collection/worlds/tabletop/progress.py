"""Progress of a task in every state: a dense reward for meta-training.

PEARL's own sparse benchmarks are meta-trained with dense rewards. On the tabletop a
random action almost never solves a family but the pressing of buttons.
"""

from collections.abc import Sequence

import numpy as np

from wtl.collection.worlds.entities.scene_config import SceneConfig
from wtl.collection.worlds.tabletop import families, observation

# Per metre.
_REACH = 2.0  # of the hand towards the target
_MOVE = 5.0  # of the target towards its goal
_TRAVEL = 50.0  # of a button
_ENOUGH_HEIGHT = 0.1  # metres


class Progress:
    """Measures progress towards every target of N scenes."""

    def __init__(self, configs: Sequence[SceneConfig]):
        """Look up the slots of the targets in N scene configs."""
        size = configs[0].task.object_set.size
        self._layout = observation.Layout(size)
        drawn = [
            scene_config.task.object_set.scene(scene_config.scene_seed)
            for scene_config in configs
        ]
        # Slots hold canonical indices; the inverse permutation finds an index's slot.
        self._slots = {
            "objects": np.stack([np.argsort(scene.object_slots) for scene in drawn]),
            "buttons": np.stack([np.argsort(scene.button_slots) for scene in drawn]),
        }
        names = list(families.FAMILIES)
        self._family = np.array(
            [names.index(scene_config.task.family) for scene_config in configs]
        )

    def measure(self, state: np.ndarray) -> np.ndarray:
        """Progress [N, G] towards each target, by canonical index, in states [N, S]."""
        rows = self._layout.split(state)
        for kind, slots in self._slots.items():
            rows[kind] = np.take_along_axis(rows[kind], slots[..., None], axis=1)

        def part(row, name):
            return rows[row][..., observation.slices(self._layout.tables[row])[name]]

        hand = part("gripper", "position")[:, None]
        anchor = part("fixtures", "anchor")[:, None]
        goal = part("fixtures", "goal")
        item, button = part("objects", "position"), part("buttons", "position")
        travel = part("buttons", "travel")[..., 0]
        reach = -_REACH * np.linalg.norm(hand - item, axis=-1)
        height = _MOVE * np.minimum(item[..., 2], _ENOUGH_HEIGHT)
        beside = -_MOVE * np.linalg.norm((item - anchor)[..., :2], axis=-1)
        of_family = {
            "press": _TRAVEL * travel - _REACH * np.linalg.norm(hand - button, axis=-1),
            "grasp": reach + height,
            "push": reach + beside,
            "slide": reach - _MOVE * np.abs(goal - item[..., 1]),
            "stack": reach + height + beside,
        }
        every = np.stack([of_family[name] for name in families.FAMILIES])
        return every[self._family, np.arange(len(self._family))]
