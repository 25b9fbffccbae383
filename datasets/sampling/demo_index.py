"""Demonstrations by task, scene and goal."""

from collections.abc import Hashable, Sequence

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.reading.store import EpisodeStore


class DemoIndex:
    """Finds the demonstration of a goal in a scene of a task.

    Tasks, the scenes of a task and its goals are numbered from 0.

    Attributes:
      task: [N] task of each demonstration.
      scene: [N] its scene within the task.
      goal: [N] the goal that it reaches in that scene.
      goals: the number of goals of a task.
      task_of: task by task id.
      scene_of: scene by task and scene seed.
      scenes_in: [tasks] the number of scenes of each task.
      first_scene: [tasks] where the scenes of each task begin among those of all.
    """

    def __init__(
        self,
        store: EpisodeStore,
        task_keys: Sequence[Hashable],
        goal: np.ndarray,
        goals: int,
    ):
        """Index a store of N demonstrations.

        Args:
          store: the demonstrations.
          task_keys: [N] keys, the same for demonstrations of the same task.
          goal: [N] as the attribute.
          goals: as the attribute.
        """
        self.goal = goal
        self.goals = goals
        numbers: dict[Hashable, int] = {}
        self.task = np.array([numbers.setdefault(k, len(numbers)) for k in task_keys])
        self.task_of = dict(
            zip(store[fields.TASK_ID].tolist(), self.task.tolist(), strict=True)
        )
        self.scene_of: dict[tuple[int, int], int] = {}
        self.scenes_in = np.zeros(len(numbers), np.int64)
        self.scene = np.zeros(len(store), np.int64)
        seeds = store[fields.SCENE_SEED].tolist()
        for i, key in enumerate(zip(self.task.tolist(), seeds, strict=True)):
            if key not in self.scene_of:
                self.scene_of[key] = self.scenes_in[key[0]]
                self.scenes_in[key[0]] += 1
            self.scene[i] = self.scene_of[key]
        # One table for the scenes of all tasks: a task may have many more than others.
        self.first_scene = np.cumsum(self.scenes_in) - self.scenes_in
        self._row = np.full((self.scenes_in.sum(), goals), -1)
        self._row[self.scene_row(self.task, self.scene), goal] = np.arange(len(store))

    def scene_row(self, task: np.ndarray, scene: np.ndarray) -> np.ndarray:
        """Return [B] numbers of scenes among those of all tasks."""
        return self.first_scene[task] + scene

    def demonstration(
        self, task: np.ndarray, scene: np.ndarray, goal: np.ndarray
    ) -> np.ndarray:
        """Return [B] rows of the demonstrations of goals in scenes of tasks.

        A row is -1 where the goal is -1 or was not demonstrated in the scene.
        """
        row = self._row[self.scene_row(task, scene), np.maximum(goal, 0)]
        return np.where(goal >= 0, row, -1)
