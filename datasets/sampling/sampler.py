"""Sampler of training examples: demonstrations, trials and one to imitate.

A demonstration is given, and a rule for reading it is drawn by the relabeller. The
example imitates the demonstration that this rule picks in another scene of the task. A
trial succeeded if it reached the goal that the rule picks in the scene of the trial.
"""

import dataclasses

import numpy as np

from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.sampling.negatives import Negatives
from wtl.datasets.sampling.relabeller import Relabeller
from wtl.datasets.sampling.trial_groups import TrialGroups

_MAX_REDRAWS = 50


@dataclasses.dataclass(frozen=True)
class Batch:
    """B training examples as rows of the demonstration and trial stores.

    Attributes:
      demos: [B, K] rows of the demonstrations given.
      demo_mask: [B, K] 1 where there is one.
      trials: [B, L] rows of the trials given.
      trial_mask: [B, L] 1 where there is one.
      trial_success: [B, L] 1 or -1 under the reading drawn.
      target: [B] rows of the demonstrations to imitate.
    """

    demos: np.ndarray
    demo_mask: np.ndarray
    trials: np.ndarray
    trial_mask: np.ndarray
    trial_success: np.ndarray
    target: np.ndarray


class Sampler:
    """Draws training examples; each batch is a pure function of its generator.

    Attributes:
      relabeller: tells what a demonstration or trial means in other scenes.
      unpaired: number of demonstrations that are left out where none is given trials:
        those of tasks that are demonstrated in one scene.
    """

    def __init__(
        self,
        demos: EpisodeStore,
        relabeller: Relabeller,
        *,
        shown: EpisodeStore | None = None,
        trials: EpisodeStore | None = None,
        max_demos: int = 1,
        min_trials: int = 1,
        max_trials: int = 1,
        new_scene_share: float = 0.0,
        other_task_trials: bool = False,
        other_task_success: bool = False,
    ):
        """Index the stores.

        Args:
          demos: demonstrations of training tasks, those of the relabeller.
          relabeller: tells what demonstrations and `trials` mean in other scenes.
          shown: the episode given in place of each demonstration, row by row, such as
            the video of a person who does the same; by default the demonstrations.
          trials: rollouts given one of those shown, by the ids of their parents; None
            for methods without trials. A retrial followed another trial and its
            success for the intended goal; it is given only where that success is the
            same under the reading drawn.
          max_demos: K; the number given is uniform in 1 … K.
          min_trials: 0 or 1; the least number given.
          max_trials: L; the number given is uniform in `min_trials` … L.
          new_scene_share: share of retrials in another scene than their trials.
          other_task_trials: whether the trials given are of another task, each with
            its success there.
          other_task_success: whether the success given is that of another task's
            trials.

        Raises:
          ValueError: if no task is demonstrated in two scenes, or trials of another
            task are asked for and there is none.
        """
        self.relabeller = relabeller
        self._index = relabeller.index
        scenes = self._index.scenes_in[self._index.task]
        self._paired = np.flatnonzero(scenes > 1)
        self.unpaired = len(scenes) - len(self._paired)
        if not len(self._paired):
            raise ValueError(
                "no task is demonstrated in two scenes, but each demonstration is "
                "imitated given another one of its task"
            )
        self._max_demos = max_demos
        self._min_trials = min_trials
        self._max_trials = max_trials if trials is not None else 0
        self._new_scene_share = new_scene_share
        self._other_task_trials = other_task_trials
        self._negatives = None
        if trials is not None:
            self._groups = TrialGroups(
                self._index, trials, demos if shown is None else shown
            )
            if other_task_trials or other_task_success:
                self._negatives = Negatives(self._groups.task)

    def draw(self, rng: np.random.Generator, count: int) -> Batch:
        """Draw `count` examples.

        Raises:
          ValueError: if too few scenes of each task are demonstrated.
        """
        parts, missing = [], count
        for _ in range(_MAX_REDRAWS):
            parts.append(self._propose(rng, missing))
            missing -= len(parts[-1][-1])
            if not missing:
                return Batch(*map(np.concatenate, zip(*parts, strict=True)))
        raise ValueError(
            "too few scenes of each task are demonstrated to form training examples: "
            "every task needs demonstrations in at least two scenes"
        )

    def _propose(self, rng, count: int) -> list[np.ndarray]:
        """Draw the fields of up to `count` examples that have a demonstration."""
        index, relabel = self._index, self.relabeller
        if self._max_trials:
            group = rng.integers(len(self._groups), size=count)
            task, trial_scene, demo = self._tried(rng, group)
        else:
            demo = self._paired[rng.integers(len(self._paired), size=count)]
            task = index.task[demo]
            trial_scene = self._other_scene(rng, task, index.scene[demo])
        scene = self._scene(rng, task, trial_scene, demo)
        reading = relabel.draw_reading(rng, task, scene, demo)
        target = self._demonstration(task, scene, demo, reading)
        achievable = relabel.goal(task, trial_scene, demo, reading)
        good = (target >= 0) & (achievable >= 0) & (target != demo)
        columns = self._given_demos(rng, task, scene, demo, reading)
        if self._max_trials:
            trials = self._given_trials(rng, group, achievable)
            if self._negatives:
                other, known = self._trials_of_other_tasks(rng, group)
                good &= known
                kept = 0 if self._other_task_trials else 2
                trials[kept:] = other[kept:]
            columns += trials
        else:
            columns += [np.zeros((count, 1), np.int64)] + [np.zeros((count, 1))] * 2
        return [column[good] for column in (*columns, target)]

    def _tried(self, rng, group):
        """Return task, scene and demonstration of groups of trials."""
        groups, index = self._groups, self._index
        task, demo = groups.task[group], groups.demo[group]
        # A trial without parent stands with any demonstration of its task.
        fallback = rng.integers(len(index.task), size=len(group))
        scene = (rng.random(len(task)) * index.scenes_in[task]).astype(np.int64)
        goal = rng.integers(index.goals, size=len(task))
        anyone = index.demonstration(task, scene, goal)
        anyone = np.where(anyone >= 0, anyone, fallback)
        return task, groups.scene[group], np.where(demo < 0, anyone, demo)

    def _scene(self, rng, task, trial_scene, demo):
        """Return the scene to act in: that of the trial, or a third one."""
        if not self._new_scene_share:
            return trial_scene
        moved = rng.random(len(task)) < self._new_scene_share
        other = self._other_scene(rng, task, trial_scene)
        again = self._other_scene(rng, task, trial_scene)
        shown = self._index.scene[demo]
        other = np.where(other == shown, again, other)
        return np.where(moved & (other != shown), other, trial_scene)

    def _other_scene(self, rng, task, scene):
        scenes = self._index.scenes_in[task]
        shift = 1 + (rng.random(len(task)) * np.maximum(scenes - 1, 1)).astype(np.int64)
        return (scene + shift) % scenes

    def _demonstration(self, task, scene, demo, reading):
        goal = self.relabeller.goal(task, scene, demo, reading)
        return self._index.demonstration(task, scene, goal)

    def _given_demos(self, rng, task, scene, demo, reading):
        rows, mask = [demo], [np.ones(len(demo))]
        wanted = rng.integers(1, self._max_demos + 1, size=len(demo))
        for k in range(1, self._max_demos):
            other = self._other_scene(rng, task, self._index.scene[demo])
            row = self._demonstration(task, other, demo, reading)
            good = (row >= 0) & (other != scene) & (k < wanted)
            rows.append(np.where(good, row, demo))
            mask.append(good.astype(np.float64))
        return [np.stack(rows, axis=1), np.stack(mask, axis=1)]

    def _given_trials(self, rng, group, achievable):
        width, groups = self._max_trials, self._groups
        achieved, intended = self.relabeller.achieved, self.relabeller.intended
        size = groups.size[group]
        wanted = rng.integers(self._min_trials, width + 1, size=len(group))
        wanted = np.minimum(wanted, size)
        shift = (rng.random(len(group)) * size).astype(np.int64)
        rows = groups.rows(group, shift[:, None] + np.arange(width))
        mask = (np.arange(width) < wanted[:, None]).astype(np.float64)
        # A retrial that observed another success would have acted otherwise: the
        # trial that it followed stands in for it.
        first = groups.follows[rows]
        as_observed = (achieved[first] == intended[rows]) == (
            achieved[first] == achievable[:, None]
        )
        rows = np.where((first < 0) | as_observed, rows, first)
        for k in range(1, width):
            mask[:, k] *= (rows[:, :k] != rows[:, k, None]).all(axis=1)
        success = np.where(achieved[rows] == achievable[:, None], 1.0, -1.0)
        return [rows, mask, success]

    def _trials_of_other_tasks(self, rng, group):
        """Return as `_given_trials`, of other tasks, and if their success is known."""
        group = self._negatives.draw(rng, group)
        task, scene, demo = self._tried(rng, group)
        reading = self.relabeller.draw_reading(rng, task, scene, demo)
        achievable = self.relabeller.goal(task, scene, demo, reading)
        return self._given_trials(rng, group, achievable), achievable >= 0
