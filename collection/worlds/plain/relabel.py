"""Relabelling in worlds without entities: a demonstration stands for its own task."""

import numpy as np

from wtl.collection.worlds.plain.layout import PlainLayout
from wtl.datasets.contract import fields
from wtl.datasets.reading.store import EpisodeStore
from wtl.datasets.sampling.demo_index import DemoIndex


class PlainRelabeller:
    """A `Relabeller` of tasks with one goal and one reading.

    Attributes:
      index: the demonstrations.
      acted: [N] zeros: each demonstration acts on its scene.
      achieved: [trials] 0 where a trial succeeded, else -1.
      intended: [trials] zeros.
      trial_acted: [trials] zeros.
    """

    def __init__(
        self,
        demos: EpisodeStore,
        layout: PlainLayout,
        trials: EpisodeStore | None = None,
        **unused_options,
    ):
        """Index the stores; options are those of worlds with rules.

        Raises:
          ValueError: if there are no demonstrations.
        """
        del layout
        if not len(demos):
            raise ValueError("there are no demonstrations to train on")
        self.acted = np.zeros(len(demos), np.int64)
        self.index = DemoIndex(demos, demos[fields.TASK_ID].tolist(), self.acted, 1)
        if trials is not None:
            self.achieved = np.where(trials[fields.SUCCESS], 0, -1)
            self.intended = np.zeros(len(trials), np.int64)
            self.trial_acted = self.intended

    def draw_reading(self, rng, task, scene, demo) -> np.ndarray:
        """Return zeros [B]; see `Relabeller`."""
        del rng, scene, demo
        return np.zeros(len(task), np.int64)

    def goal(self, task, scene, demo, reading) -> np.ndarray:
        """Return zeros [B]; see `Relabeller`."""
        del scene, demo, reading
        return np.zeros(len(task), np.int64)
