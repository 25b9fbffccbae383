"""Relabelling of episodes by the rules of entities: by identity or by position.

Let a demonstration act on entity i. In another scene of the task, the rule by identity
picks i and the rule by position picks the entity that is in the place of i. The rule is
drawn for each training example, because a demonstration serves every rule that picks
its target.
"""

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.contract.layout import Layout
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.sampling.demo_index import DemoIndex


class EntityRelabeller:
    """A `Relabeller`: readings are rules, goals are identities of entities.

    Attributes:
      index: the demonstrations.
      acted: [N] slot that each demonstration acted on.
      place: [N] place of that entity, counted from the left.
      achieved: [trials] identity of the entity that each trial succeeded with, or -1.
      intended: [trials] identity of its target.
      trial_acted: [trials] slot that each trial acted on, or -1.
    """

    def __init__(
        self,
        demos: EpisodeStore,
        layout: Layout,
        trials: EpisodeStore | None = None,
        *,
        identity_share: float = 1.0,
        privileged_labels: bool = False,
    ):
        """Index the stores.

        Args:
          demos: demonstrations of training tasks.
          layout: layout of their states.
          trials: rollouts on the same tasks, if any.
          identity_share: probability of a rule by identity.
          privileged_labels: whether the slots that demonstrations acted on are read
            from the simulator rather than inferred from the states.

        Raises:
          ValueError: if a demonstration acted on nothing, or the store is empty.
        """
        if not len(demos):
            raise ValueError("there are no demonstrations to train on")
        self._identity_share = identity_share
        if privileged_labels:
            self.acted = demos[fields.HIDDEN_TARGET]
        else:
            self.acted = layout.acted_slots(demos.state)
        if (self.acted < 0).any():
            name = demos[fields.EPISODE_ID][np.flatnonzero(self.acted < 0)[0]]
            raise ValueError(
                f"demonstration {name} acts on none of the entities; mark it invalid "
                "or record it again"
            )
        identities, places = layout.identities_and_places(demos.state[:, 0])
        rows = np.arange(len(demos))
        self.index = DemoIndex(
            demos, _task_keys(demos), identities[rows, self.acted], layout.targets
        )
        self.place = places[rows, self.acted]
        scene = self.index.scene_row(self.index.task, self.index.scene)
        self._identity_at = np.full((self.index.scenes_in.sum(), layout.targets), -1)
        # Identities and places of the kind of entity that was acted on.
        first = self.acted // layout.targets * layout.targets
        for k in range(layout.targets):
            slot = first + k
            self._identity_at[scene, places[rows, slot]] = identities[rows, slot]
        self._rule = self._only_rules()
        if trials is not None:
            self._index_trials(trials, layout)

    def _only_rules(self) -> np.ndarray:
        """Return for each task 1 or 0 if its only rule is by identity or by position.

        Such a task has one demonstration in each of its scenes, which all fit the rule.
        Tasks of several rules, and those whose demonstrations fit both, have -1.
        """
        index = self.index
        by_identity, by_position = (
            _is_constant(of, index.task) for of in (index.goal, self.place)
        )
        is_single = np.bincount(index.task) == index.scenes_in
        known = is_single & (by_identity != by_position)
        return np.where(known, by_identity.astype(int), -1)

    def _index_trials(self, trials: EpisodeStore, layout: Layout):
        self.trial_acted = layout.acted_slots(trials.state)
        identities, _ = layout.identities_and_places(trials.state[:, 0])
        rows = np.arange(len(trials))
        achieved = trials[fields.HIDDEN_ACHIEVED]
        self.achieved = np.where(
            achieved >= 0, identities[rows, np.maximum(achieved, 0)], -1
        )
        self.intended = identities[rows, trials[fields.HIDDEN_TARGET]]

    def draw_reading(self, rng, task, scene, demo) -> np.ndarray:
        """Draw rules [B]: whether each is by identity; see `Relabeller`."""
        by_identity = rng.random(len(task)) < self._identity_share

        def demonstrated(rule: bool) -> np.ndarray:
            goal = self.goal(task, scene, demo, np.full(len(task), rule))
            return self.index.demonstration(task, scene, goal) >= 0

        yes, no = demonstrated(True), demonstrated(False)
        # Where one rule per task was demonstrated, only that rule can be imitated. In a
        # new scene both rules may pick the same, but not in that of the trial.
        known = self._rule[task]
        return np.where(yes & no, np.where(known < 0, by_identity, known > 0), yes)

    def goal(self, task, scene, demo, reading) -> np.ndarray:
        """Return identities [B] that rules pick in scenes; see `Relabeller`."""
        scene = self.index.scene_row(task, scene)
        by_position = self._identity_at[scene, self.place[demo]]
        return np.where(reading, self.index.goal[demo], by_position)


def _is_constant(values: np.ndarray, task: np.ndarray) -> np.ndarray:
    """Return for each task whether its values [N] are all the same."""
    least, most = (np.full(task.max() + 1, values[0]) for _ in range(2))
    least[task] = most[task] = values
    np.minimum.at(least, task, values)
    np.maximum.at(most, task, values)
    return least == most


def _task_keys(demos: EpisodeStore) -> list[tuple]:
    """Keys of tasks; those that differ by their rule alone share demonstrations."""
    hidden = [demos[fields.HIDDEN_FRICTION].tolist()]
    if fields.HIDDEN_GAINS in demos.metadata:
        hidden.append(map(tuple, demos[fields.HIDDEN_GAINS].tolist()))
    return list(
        zip(
            demos[fields.OBJECT_SET].tolist(),
            demos[fields.FAMILY].tolist(),
            *hidden,
            strict=True,
        )
    )
