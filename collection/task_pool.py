"""Many tasks played in lockstep: all that learning from trials sees of a world."""

import dataclasses
from typing import NamedTuple, Protocol

import numpy as np


@dataclasses.dataclass(frozen=True)
class Attempt:
    """One task to be attempted, any number of times.

    Attributes:
      task: its number in the pool: dynamics and a scene.
      goal: which of the goals that the task might have is the one that counts.
    """

    task: int
    goal: int = 0


class Step(NamedTuple):
    """What followed an action in each of N attempts, under each of G goals.

    Attributes:
      observation: [N, S] float32.
      reward: [N, G] float32, what learning maximises.
      felt: [N, G] float32, what is felt of it, in training and afterwards; sparser
        than `reward` where training has a denser one at hand.
      success: [N, G] whether the goal holds now.
    """

    observation: np.ndarray
    reward: np.ndarray
    felt: np.ndarray
    success: np.ndarray


class TaskPool(Protocol):
    """Plays many tasks at once, all trials equally long.

    The goal of an attempt is hidden: no observation tells it, and no action but what
    is felt depends on it. So what happened serves every goal of the task.

    Attributes:
      observation_size: S.
      action_size: A; actions are clipped to [-1, 1].
      horizon: T, steps of a trial.
      terminal: whether nothing is to be had after the horizon.
      tasks: number of tasks.
      goals: G, number of goals that each might have, alike in probability.
    """

    observation_size: int
    action_size: int
    horizon: int
    terminal: bool
    tasks: int
    goals: int

    def reset(self, attempts: list[Attempt]) -> np.ndarray:
        """Starts a trial of each attempt; returns the observations [N, S]."""

    def step(self, actions: np.ndarray) -> Step:
        """Applies float32[N, A] actions."""
