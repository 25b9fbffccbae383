"""Interface of the worlds of agents that learn from trials: many tasks at once."""

import dataclasses
from typing import NamedTuple, Protocol

import numpy as np


@dataclasses.dataclass(frozen=True)
class Attempt:
    """Task to be attempted, any number of times.

    Attributes:
      task: its number: dynamics and a scene.
      goal: number of the goal that counts, of those that the task might have.
      start: seed of what differs between trials of the attempt, in worlds where they
        start a little different.
    """

    task: int
    goal: int = 0
    start: int = 0


class Step(NamedTuple):
    """Result of an action in each of N attempts, under each of G goals.

    Attributes:
      observation: [N, S] float32.
      reward: [N, G] float32, the reward that learning maximises.
      observed_reward: [N, G] float32, an input of agents in training and afterwards;
        sparser than `reward` where that is shaped.
      success: [N, G] whether the goal holds now.
    """

    observation: np.ndarray
    reward: np.ndarray
    observed_reward: np.ndarray
    success: np.ndarray


class TaskPool(Protocol):
    """Vector environment of many tasks, all trials equally long.

    The goal of an attempt is hidden: only the observed reward depends on it. So a trial
    can be relabelled with every goal of the task.

    Attributes:
      observation_size: S.
      action_size: A; actions are clipped to [-1, 1].
      horizon: T, steps of a trial.
      terminal: whether there is no reward after the horizon.
      tasks: number of tasks.
      goals: G, number of goals that each might have, equally probable.
    """

    observation_size: int
    action_size: int
    horizon: int
    terminal: bool
    tasks: int
    goals: int

    def reset(self, attempts: list[Attempt]) -> np.ndarray:
        """Start a trial of each attempt; return the observations [N, S]."""

    def step(self, actions: np.ndarray) -> Step:
        """Apply float32[N, A] actions."""
