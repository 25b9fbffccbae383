"""Relabelling of episodes by the rules that a demonstration is compatible with.

Every rule that picks the target of a demonstration in its scene is a reading of it. In
another scene of the task each of them picks a target of its own.
"""

import numpy as np

from wtl.collection.worlds.entities.relabel import EntityRelabeller


class RuleRelabeller(EntityRelabeller):
    """A `Relabeller`: readings are numbers of rules, goals identities of targets."""

    def __init__(self, demos, layout, trials=None, *, weights=None, **options):
        """Index the stores; see the base class.

        `weights` [H] say how often rules of training tasks are of each kind; whole
        numbers, by default as often as each other.
        """
        super().__init__(demos, layout, trials, **options)
        index, size, features = self.index, layout.size, layout.features
        _, first = np.unique(
            index.scene_row(index.task, index.scene), return_index=True
        )
        state = demos.state[first, 0]
        rows = layout.split(state)
        picks = features.picks(rows, features.entities(rows)).numpy()
        # Identities of the entities of the kind that was acted on, by slot.
        kind = self.acted[first, None] // layout.targets
        of_kind = kind * layout.targets + np.arange(size)
        identities, _ = layout.identities_and_places(state)
        identities = np.take_along_axis(identities, of_kind, axis=1)
        # Parameters are counted by slot; here those that are entities by identity.
        slots = kind * size + np.arange(size)
        by_identity = np.take_along_axis(slots, identities.argsort(axis=1), axis=1)
        parameter = np.where(
            np.array(features.BY_ENTITY)[:, None], by_identity[:, None], slots[:, None]
        )
        picks = np.take_along_axis(picks, parameter[..., None], axis=2)
        picks = np.take_along_axis(picks, slots[:, None, None], axis=3)
        picked = (picks * identities[:, None, None]).sum(axis=-1)
        picked = np.where(picks.any(axis=-1), picked, -1).astype(np.int64)[..., None]
        if layout.ways > 1:  # which each rule combines with a rule for the way
            way = features.ways(rows).numpy().argmax(axis=-1)
            picked = np.where(picked < 0, -1, way[:, None, None] * size + picked)
        # [scenes, rules] identity that each rule picks, or -1.
        self._picked = picked.reshape(len(first), -1)
        of_each = np.ones(picked.shape[1], int) if weights is None else weights
        self._weight = np.repeat(of_each, self._picked.shape[1] // len(of_each))

    def draw_reading(self, rng, task, scene, demo) -> np.ndarray:
        """Draw rules [B] that a demonstration is compatible with, by their weights."""
        index = self.index
        shown = self._picked[index.scene_row(index.task[demo], index.scene[demo])]
        goal = self._picked[index.scene_row(task, scene)]
        compatible = (shown == index.goal[demo][:, None]) & (goal >= 0)
        count = (compatible * self._weight).cumsum(axis=1)
        chosen = rng.integers(np.maximum(count[:, -1], 1)) + 1
        return (count < chosen[:, None]).sum(axis=1) % self._picked.shape[1]

    def goal(self, task, scene, demo, reading) -> np.ndarray:
        """Return identities [B] that rules pick in scenes; see `Relabeller`."""
        return self._picked[self.index.scene_row(task, scene), reading]
