"""Joins a demonstration, trials and a target demonstration into training examples.

The rule of a task is drawn here: a demonstration serves every rule that picks its
target. Let demonstration a show target i. In another scene b of the task, identity
points at i and position at whatever is in i's place; the demonstration of b with that
target is to be imitated, and a trial in b succeeded if it achieved that target.
"""

import dataclasses

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.contract.layout import Layout, slices
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.sampling import inferred_target, negatives

_MAX_REDRAWS = 50


@dataclasses.dataclass(frozen=True)
class Batch:
    """B training examples as rows of the demonstration and trial stores.

    Attributes:
      demos: [B, K] rows of the demonstrations shown.
      demo_mask: [B, K] 1 where there is one.
      trials: [B, L] rows of the trials shown.
      trial_mask: [B, L] 1 where there is one.
      trial_success: [B, L] 1 or -1 under the rule drawn.
      target: [B] rows of the demonstrations to imitate.
    """

    demos: np.ndarray
    demo_mask: np.ndarray
    trials: np.ndarray
    trial_mask: np.ndarray
    trial_success: np.ndarray
    target: np.ndarray


class DemoIndex:
    """Who is where in which scene, read off the demonstrations themselves.

    Attributes:
      acted: [N] slot each demonstration acted on.
      task: [N] number of its task: object set, family and hidden dynamics.
      scene: [N] number of its scene within the task.
      identity: [N] which object (or button) of the task it acted on.
      place: [N] where that was, counted from the left.
      first_scene: [tasks] where, among the scenes of all tasks, those of each begin.
      row: [scenes, n] demonstration by scene, of all tasks, and identity, or -1.
      identity_at: [scenes, n] identity by place, or -1 without demonstration.
    """

    def __init__(
        self,
        store: EpisodeStore,
        layout: Layout,
        privileged_labels: bool = False,
    ):
        """Indexes a store of demonstrations.

        Args:
          store: of demonstrations.
          layout: of their states.
          privileged_labels: whether the simulator is asked what they acted on.

        Raises:
          ValueError: if a demonstration moved nothing, or the store is empty.
        """
        if not len(store):
            raise ValueError("there are no demonstrations to train on")
        self.layout = layout
        if privileged_labels:
            self.acted = store[fields.HIDDEN_TARGET]
        else:
            self.acted = inferred_target.acted_slots(store.state, layout)
        if (self.acted < 0).any():
            name = store[fields.EPISODE_ID][np.flatnonzero(self.acted < 0)[0]]
            raise ValueError(
                f"demonstration {name} moves no object and presses no button; mark "
                "it invalid or record it again"
            )
        # Tasks that differ by their rule alone share demonstrations.
        hidden = [store[fields.HIDDEN_FRICTION].tolist()]
        if fields.HIDDEN_GAINS in store.metadata:
            hidden.append(map(tuple, store[fields.HIDDEN_GAINS].tolist()))
        rule_free = zip(
            store[fields.OBJECT_SET].tolist(),
            store[fields.FAMILY].tolist(),
            *hidden,
            strict=True,
        )
        numbers: dict[tuple, int] = {}
        self.task = np.array([numbers.setdefault(k, len(numbers)) for k in rule_free])
        seeds = store[fields.SCENE_SEED]
        self.scene_of: dict[tuple[int, int], int] = {}
        scenes_in = np.zeros(self.task.max() + 1, np.int64)
        self.scene = np.zeros(len(store), np.int64)
        for i, key in enumerate(zip(self.task.tolist(), seeds.tolist(), strict=True)):
            if key not in self.scene_of:
                self.scene_of[key] = scenes_in[key[0]]
                scenes_in[key[0]] += 1
            self.scene[i] = self.scene_of[key]
        self.task_of = dict(
            zip(store[fields.TASK_ID].tolist(), self.task.tolist(), strict=True)
        )
        self.scenes_in = scenes_in
        identities, places = identities_and_places(store.state[:, 0], layout)
        rows = np.arange(len(store))
        self.identity = identities[rows, self.acted]
        self.place = places[rows, self.acted]
        # A task may have many more scenes than the rest, as if it came from elsewhere.
        self.first_scene = np.cumsum(scenes_in) - scenes_in
        scene = self.first_scene[self.task] + self.scene
        shape = (scenes_in.sum(), layout.size)
        self.row = np.full(shape, -1)
        self.row[scene, self.identity] = rows
        self.identity_at = np.full(shape, -1)
        # Identities and places of the kind (object or button) that was acted on.
        first = np.where(self.acted < layout.size, 0, layout.size)
        for k in range(layout.size):
            slot = first + k
            self.identity_at[scene, places[rows, slot]] = identities[rows, slot]


def identities_and_places(
    state: np.ndarray, layout: Layout
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers the entities of each kind by their colours and by their places.

    Args:
      state: [N, S] first states.
      layout: their layout.

    Returns:
      identities [N, E], the same for the same entity in all scenes of a task, and
      places [N, E] counted from the left.
    """
    rows = layout.split(state)
    identities, places = [], []
    for name in layout.kinds:
        where = slices(layout.tables[name])
        x = rows[name][..., where["position"]][..., 0]
        # Colours of one set are well apart, so any fixed projection tells them apart.
        colour = rows[name][..., where["rgb"]] @ np.array([1.0, 0.618, 0.382])
        identities.append(_ranks(colour))
        places.append(_ranks(x))
    return np.concatenate(identities, axis=1), np.concatenate(places, axis=1)


def _ranks(values: np.ndarray) -> np.ndarray:
    return values.argsort(axis=1).argsort(axis=1)


class Sampler:
    """Draws training examples; each batch is a pure function of its generator."""

    def __init__(
        self,
        demos: EpisodeStore,
        layout: Layout,
        *,
        identity_share: float,
        shown: EpisodeStore | None = None,
        trials: EpisodeStore | None = None,
        max_demos: int = 1,
        min_trials: int = 1,
        max_trials: int = 1,
        new_scene_share: float = 0.0,
        privileged_labels: bool = False,
        strange_trials: bool = False,
        strange_success: bool = False,
    ):
        """Indexes the stores.

        Args:
          demos: demonstrations of training tasks.
          layout: layout of their states.
          identity_share: probability of a rule by identity.
          shown: what is shown in place of each demonstration, row by row, such as the
            video of a human who does the same; by default the demonstrations.
          trials: rollouts given one of those shown, by the ids of their
            parents; none for methods that see no trial. Some may follow another of
            them, whose success they were told under the rule of their own target; they
            are shown where it was the same under the rule drawn.
          max_demos: K; the number shown is uniform in 1 … K.
          min_trials: 0 or 1; the least number shown.
          max_trials: L; the number shown is uniform in `min_trials` … L.
          new_scene_share: share of retrials in another scene than their trials.
          privileged_labels: whether the simulator is asked what demonstrations acted
            on.
          strange_trials: whether the trials shown are of another task, each with its
            success there.
          strange_success: whether the success told is that of another task's trials.

        Raises:
          ValueError: if trials of another task are asked for and there is none.
        """
        self.index = DemoIndex(demos, layout, privileged_labels)
        self._identity_share = identity_share
        self._max_demos = max_demos
        self._min_trials = min_trials
        self._max_trials = max_trials if trials is not None else 0
        self._new_scene_share = new_scene_share
        self._strange_trials = strange_trials
        self._strange_success = strange_success
        if trials is not None:
            self._index_trials(demos if shown is None else shown, trials, layout)
            if strange_trials or strange_success:
                self._elsewhere = negatives.Strangers(self._groups[:, 0])

    def _index_trials(self, shown, trials, layout):
        index = self.index
        self.trial_acted = inferred_target.acted_slots(trials.state, layout)
        task = np.array([index.task_of[name] for name in trials[fields.TASK_ID]])
        scene = np.array(
            [
                index.scene_of[key]
                for key in zip(
                    task.tolist(), trials[fields.SCENE_SEED].tolist(), strict=True
                )
            ]
        )
        identities, _ = identities_and_places(trials.state[:, 0], layout)
        achieved = trials[fields.HIDDEN_ACHIEVED]
        rows = np.arange(len(trials))
        self._achieved = np.where(
            achieved >= 0, identities[rows, np.maximum(achieved, 0)], -1
        )
        target = trials[fields.HIDDEN_TARGET]
        self._told = identities[rows, target]
        self._follows = np.array(
            [
                trials.index_by_id.get(p[0], -1) if len(p) else -1
                for p in trials[fields.PARENT_TRIAL_IDS]
            ],
            np.int64,
        )
        parents = trials[fields.PARENT_DEMO_IDS]
        parent = np.array(
            [shown.index_by_id[p[0]] if len(p) else -1 for p in parents], np.int64
        )
        # Trials of one policy given the same demonstration in the same scene.
        keys = np.stack([task, scene, parent], axis=1)
        groups, group = np.unique(keys, axis=0, return_inverse=True)
        self._groups = groups
        self._group_size = np.bincount(group.ravel(), minlength=len(groups))
        # Group after group: as a table it would be as wide as the largest of them.
        self._group_rows = np.argsort(group.ravel(), kind="stable")
        self._group_start = np.cumsum(self._group_size) - self._group_size

    def draw(self, rng: np.random.Generator, count: int) -> Batch:
        """Draws `count` examples."""
        parts, missing = [], count
        for _ in range(_MAX_REDRAWS):
            part = self._propose(rng, missing)
            parts.append(part)
            missing -= len(part.target)
            if not missing:
                return Batch(
                    *(
                        np.concatenate(columns)
                        for columns in zip(
                            *(vars(p).values() for p in parts), strict=True
                        )
                    )
                )
        raise ValueError(
            "too few scenes of each task are demonstrated to form training examples: "
            "every task needs demonstrations in at least two scenes"
        )

    def _propose(self, rng, count: int) -> Batch:
        """Draws up to `count` examples, leaving out those without demonstration."""
        index = self.index
        if self._max_trials:
            group = rng.integers(len(self._groups), size=count)
            task, trial_scene, demo = self._tried(rng, group)
        else:
            demo = rng.integers(len(index.task), size=count)
            task = index.task[demo]
            trial_scene = self._other_scene(rng, task, index.scene[demo])
        scene = trial_scene
        if self._new_scene_share:
            moved = rng.random(count) < self._new_scene_share
            other = self._other_scene(rng, task, trial_scene)
            again = self._other_scene(rng, task, trial_scene)
            shown = index.scene[demo]
            other = np.where(other == shown, again, other)
            scene = np.where(moved & (other != shown), other, trial_scene)
        by_identity = self._draw_rule(rng, task, scene, demo)
        target = self._demonstration(task, scene, demo, by_identity)
        achievable = self._referent(task, trial_scene, demo, by_identity)
        good = (target >= 0) & (achievable >= 0) & (target != demo)
        columns = self._shown_demos(rng, task, scene, demo, by_identity)
        if self._max_trials:
            trials = self._shown_trials(rng, group, achievable)
            if self._strange_trials or self._strange_success:
                strange, known = self._trials_elsewhere(rng, group)
                good &= known
                kept = 0 if self._strange_trials else 2
                trials[kept:] = strange[kept:]
            columns += trials
        else:
            columns += [np.zeros((count, 1), np.int64)] + [np.zeros((count, 1))] * 2
        return Batch(*(column[good] for column in (*columns, target)))

    def _tried(self, rng, group):
        """Task, scene and demonstration of groups of trials."""
        task, scene, demo = self._groups[group].T
        # Without a parent any demonstration of the task may be named; it is unseen.
        stand_in = rng.integers(len(self.index.task), size=len(group))
        orphan = demo < 0
        return task, scene, np.where(orphan, self._any_demo(rng, task, stand_in), demo)

    def _any_demo(self, rng, task, fallback):
        """A demonstration of each task."""
        index = self.index
        scene = (rng.random(len(task)) * index.scenes_in[task]).astype(np.int64)
        identity = rng.integers(index.layout.size, size=len(task))
        row = index.row[index.first_scene[task] + scene, identity]
        return np.where(row >= 0, row, fallback)

    def _other_scene(self, rng, task, scene):
        scenes = self.index.scenes_in[task]
        shift = 1 + (rng.random(len(task)) * np.maximum(scenes - 1, 1)).astype(np.int64)
        return (scene + shift) % scenes

    def _draw_rule(self, rng, task, scene, demo):
        by_identity = rng.random(len(task)) < self._identity_share
        yes = self._demonstration(task, scene, demo, np.ones(len(task), bool)) >= 0
        no = self._demonstration(task, scene, demo, np.zeros(len(task), bool)) >= 0
        # Where one rule per task was demonstrated, only that rule is there to imitate.
        return np.where(yes & no, by_identity, yes)

    def _referent(self, task, scene, demo, by_identity):
        """Identity that the rule behind `demo` picks in a scene of its task."""
        index = self.index
        return np.where(
            by_identity,
            index.identity[demo],
            index.identity_at[index.first_scene[task] + scene, index.place[demo]],
        )

    def _demonstration(self, task, scene, demo, by_identity):
        referent = self._referent(task, scene, demo, by_identity)
        index = self.index
        row = index.row[index.first_scene[task] + scene, np.maximum(referent, 0)]
        return np.where(referent >= 0, row, -1)

    def _shown_demos(self, rng, task, scene, demo, by_identity):
        rows, mask = [demo], [np.ones(len(demo))]
        wanted = rng.integers(1, self._max_demos + 1, size=len(demo))
        for k in range(1, self._max_demos):
            other = self._other_scene(rng, task, self.index.scene[demo])
            row = self._demonstration(task, other, demo, by_identity)
            good = (row >= 0) & (other != scene) & (k < wanted)
            rows.append(np.where(good, row, demo))
            mask.append(good.astype(np.float64))
        return [np.stack(rows, axis=1), np.stack(mask, axis=1)]

    def _shown_trials(self, rng, group, achievable):
        width = self._max_trials
        size = self._group_size[group]
        wanted = rng.integers(self._min_trials, width + 1, size=len(group))
        wanted = np.minimum(wanted, size)
        shift = (rng.random(len(group)) * size).astype(np.int64)
        column = (shift[:, None] + np.arange(width)) % size[:, None]
        rows = self._group_rows[self._group_start[group][:, None] + column]
        mask = (np.arange(width) < wanted[:, None]).astype(np.float64)
        # Told otherwise, a retrial would have been another: its trial stands in for it.
        first = self._follows[rows]
        as_told = (self._achieved[first] == self._told[rows]) == (
            self._achieved[first] == achievable[:, None]
        )
        rows = np.where((first < 0) | as_told, rows, first)
        for k in range(1, width):
            mask[:, k] *= (rows[:, :k] != rows[:, k, None]).all(axis=1)
        success = np.where(self._achieved[rows] == achievable[:, None], 1.0, -1.0)
        return [rows, mask, success]

    def _trials_elsewhere(self, rng, group):
        """As `_shown_trials`, of other tasks; and whether their success is known."""
        group = self._elsewhere.draw(rng, group)
        task, scene, demo = self._tried(rng, group)
        by_identity = self._draw_rule(rng, task, scene, demo)
        achievable = self._referent(task, scene, demo, by_identity)
        return self._shown_trials(rng, group, achievable), achievable >= 0
