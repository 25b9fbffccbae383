"""Point robots of Rakelly et al. 2019: go to a hidden goal on the half circle.

A benchmark with known answers, for code that learns from trials. With dense rewards a
trial or two reveal the goal; with sparse ones only trials that reach it do, so that
different places have to be tried.
"""

import numpy as np

from wtl.collection.task_pool import Attempt, Step
from wtl.datasets.contract import seeding

_STEP = 0.1  # distance along each axis at action 1
_GOAL_DISTANCE = 1.0  # from the start, which is the origin


class PointRobots:
    """Point robots as a `TaskPool`."""

    observation_size = 2
    action_size = 2
    horizon = 20
    terminal = False
    goals = 1

    def __init__(
        self, split: str, tasks: int, seed: int, *, sparse: bool, radius: float = 0.2
    ):
        """Draw the goals.

        Args:
          split: its tasks have goals of their own.
          tasks: number of tasks.
          seed: of the goals.
          sparse: whether the observed reward is zero outside `radius` of the goal; the
            reward that learning maximises is dense all the same, as in the paper.
          radius: distance up to which an attempt counts as a success, too.
        """
        angles = [
            seeding.generator(seed, "point robot", split, i).uniform(0, np.pi)
            for i in range(tasks)
        ]
        self.tasks = tasks
        self._goals = _GOAL_DISTANCE * np.stack([np.cos(angles), np.sin(angles)], 1)
        self._sparse = sparse
        self._radius = radius

    def reset(self, attempts: list[Attempt]) -> np.ndarray:
        """Put a robot at the origin for each attempt."""
        self._goal = self._goals[[attempt.task for attempt in attempts]]
        self._position = np.zeros_like(self._goal)
        return self._position.astype(np.float32)

    def step(self, actions: np.ndarray) -> Step:
        """Move the robots."""
        self._position = self._position + _STEP * np.clip(actions, -1, 1)
        distance = np.linalg.norm(self._position - self._goal, axis=1, keepdims=True)
        near = distance <= self._radius
        reward = -distance.astype(np.float32)
        observed = near * (1 + reward) if self._sparse else reward
        return Step(self._position.astype(np.float32), reward, observed, near)

    def best_return(self) -> np.ndarray:
        """[tasks] sum of the observed rewards in a trial straight to the goal."""
        self.reset([Attempt(task) for task in range(self.tasks)])
        total = np.zeros(self.tasks)
        for _ in range(self.horizon):
            total += self.step((self._goal - self._position) / _STEP).observed_reward[
                :, 0
            ]
        return total
