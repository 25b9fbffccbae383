"""Trials by the demonstration they followed and the scene they were made in."""

import numpy as np

from wtl.datasets.contract import fields
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.sampling.demo_index import DemoIndex


class TrialGroups:
    """Groups of trials of one policy given the same demonstration in the same scene.

    Attributes:
      task: [G] task of each group.
      scene: [G] scene within the task.
      demo: [G] row of the demonstration, or -1 if none was given.
      size: [G] the number of trials.
      follows: [trials] row of the trial that each trial was itself given, or -1.
    """

    def __init__(self, index: DemoIndex, trials: EpisodeStore, shown: EpisodeStore):
        """Group trials.

        Args:
          index: the demonstrations.
          trials: the trials, which name their parents by id.
          shown: the episodes given to the policy, row by row of the demonstrations.
        """
        task = [index.task_of[name] for name in trials[fields.TASK_ID]]
        seeds = trials[fields.SCENE_SEED].tolist()
        scene = [index.scene_of[key] for key in zip(task, seeds, strict=True)]
        demo = [
            shown.index_by_id[ids[0]] if len(ids) else -1
            for ids in trials[fields.PARENT_DEMO_IDS]
        ]
        self.follows = np.array(
            [
                trials.index_by_id.get(ids[0], -1) if len(ids) else -1
                for ids in trials[fields.PARENT_TRIAL_IDS]
            ],
            np.int64,
        )
        keys = np.array([task, scene, demo], np.int64).T
        groups, group = np.unique(keys, axis=0, return_inverse=True)
        self.task, self.scene, self.demo = groups.T
        self.size = np.bincount(group.ravel(), minlength=len(groups))
        # Group after group: as a table it would be as wide as the largest of them.
        self._rows = np.argsort(group.ravel(), kind="stable")
        self._start = np.cumsum(self.size) - self.size

    def __len__(self) -> int:
        """Return G, the number of groups."""
        return len(self.task)

    def rows(self, group: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """Return rows [B, L] of the trials of groups [B], `offset` [B, L] mod size."""
        return self._rows[
            self._start[group][:, None] + offset % self.size[group][:, None]
        ]
