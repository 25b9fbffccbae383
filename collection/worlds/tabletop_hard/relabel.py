"""Relabelling of episodes by the rules that a demonstration is compatible with.

Every rule that picks the target of a demonstration in its scene is a reading of it. In
another scene of the task each of them picks a target of its own.
"""

import numpy as np

from wtl.collection.worlds.entities.relabel import EntityRelabeller
from wtl.collection.worlds.tabletop import observation
from wtl.collection.worlds.tabletop_hard import rules
from wtl.collection.worlds.tabletop_hard.scene import ABSENT_Y
from wtl.datasets.contract.layout import slices


class RuleRelabeller(EntityRelabeller):
    """A `Relabeller`: readings are numbers of rules, goals identities of entities."""

    def __init__(self, demos, layout, trials=None, *, of_kinds=None, **options):
        """Index the stores; see the base class.

        `of_kinds` [H] says of which kinds the rules of training tasks are, if not all.
        """
        super().__init__(demos, layout, trials, **options)
        self._trained = of_kinds is None or np.repeat(of_kinds, layout.size)
        index, size = self.index, layout.size
        _, first = np.unique(
            index.scene_row(index.task, index.scene), return_index=True
        )
        kind = self.acted[first] // size
        state = demos.state[first, 0]
        identities, _ = layout.identities_and_places(state)
        rows, found = layout.split(state), []
        for number, name in enumerate(layout.kinds):
            where = slices(layout.tables[name])["position"]
            position = rows[name][..., where][..., :2]
            slot_of = identities[:, number * size : (number + 1) * size].argsort(axis=1)
            found.append(np.take_along_axis(position, slot_of[..., None], axis=1))
        position = np.stack(found)[kind, np.arange(len(kind))]
        anchor = rows["fixtures"][:, slices(observation.FIXTURES)["anchor"]][:, :2]
        present = (position[..., 1] > ABSENT_Y / 2).astype(position.dtype)
        picks = rules.picks(np, position, present, anchor)
        picked = np.where(picks.sum(-1) > 0, picks.argmax(-1), -1)
        # [scenes, rules] identity that each rule picks, or -1.
        self._picked = picked.reshape(len(first), -1)

    def draw_reading(self, rng, task, scene, demo) -> np.ndarray:
        """Draw rules [B] that a demonstration is compatible with, as likely as each."""
        index = self.index
        shown = self._picked[index.scene_row(index.task[demo], index.scene[demo])]
        goal = self._picked[index.scene_row(task, scene)]
        compatible = (shown == index.goal[demo][:, None]) & (goal >= 0) & self._trained
        count = compatible.cumsum(axis=1)
        chosen = rng.integers(np.maximum(count[:, -1], 1)) + 1
        return (count < chosen[:, None]).sum(axis=1) % self._picked.shape[1]

    def goal(self, task, scene, demo, reading) -> np.ndarray:
        """Return identities [B] that rules pick in scenes; see `Relabeller`."""
        return self._picked[self.index.scene_row(task, scene), reading]
