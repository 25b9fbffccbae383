"""Relabelling of episodes by the rules that a demonstration is compatible with.

Every rule that picks the target of a demonstration in its scene is a reading of it. In
another scene of the task each of them picks a target of its own.
"""

import numpy as np

from wtl.collection.worlds.entities.relabel import EntityRelabeller


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
        state, features = demos.state[first, 0], layout.features
        rows = layout.split(state)
        picks = features.picks(rows, features.entities(rows)).numpy()
        identities, _ = layout.identities_and_places(state)
        # Parameters are counted by slot; here those that are entities by identity.
        slots = self.acted[first, None] // size * size + np.arange(size)
        order = np.take_along_axis(identities, slots, axis=1).argsort(axis=1)
        by_identity = np.take_along_axis(slots, order, axis=1)
        parameter = np.where(
            np.array(features.BY_ENTITY)[:, None], by_identity[:, None], slots[:, None]
        )
        picks = np.take_along_axis(picks, parameter[..., None], axis=2)
        slot = picks.argmax(axis=-1).reshape(len(first), -1)
        picked = np.take_along_axis(identities, slot, axis=1)
        # [scenes, rules] identity that each rule picks, or -1.
        there = picks.any(axis=-1).reshape(slot.shape)
        self._picked = np.where(there, picked, -1)

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
