"""Interface of a world to the sampler: what else an episode demonstrates or solves."""

from typing import Protocol

import numpy as np

from wtl.datasets.sampling.demo_index import DemoIndex


class Relabeller(Protocol):
    """Relabeller: goals in other scenes that a demonstration may stand for.

    A demonstration is ambiguous: several readings of it agree in its own scene and
    name different goals in another scene of the task.

    Attributes:
      index: the demonstrations.
      achieved: [trials] goal that each trial reached in its scene, or -1.
      intended: [trials] goal for which the success of each trial was observed.
    """

    index: DemoIndex
    achieved: np.ndarray
    intended: np.ndarray

    def draw_reading(
        self,
        rng: np.random.Generator,
        task: np.ndarray,
        scene: np.ndarray,
        demo: np.ndarray,
    ) -> np.ndarray:
        """Draw readings [B] of demonstrations.

        Args:
          rng: source of randomness.
          task: [B] tasks.
          scene: [B] scenes, where possible with a demonstration of the goal.
          demo: [B] rows of the demonstrations.
        """

    def goal(
        self, task: np.ndarray, scene: np.ndarray, demo: np.ndarray, reading: np.ndarray
    ) -> np.ndarray:
        """Return the goals [B] of demonstrations, so read, in scenes; -1 for none."""
