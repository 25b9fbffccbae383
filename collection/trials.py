"""Plays several trials of each of many tasks; agents learn between them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from wtl.collection.task_pool import Attempt, TaskPool


class Trial(NamedTuple):
    """One trial of T steps of each of N attempts, under each of G goals.

    Attributes:
      observation: [N, T + 1, S].
      action: [N, T, A] as the agent asked for; worlds clip them to [-1, 1].
      reward: [N, T, G] what learning maximises.
      felt: [N, T, G] what is felt of it.
      success: [N, G] whether the goal held at the end.
    """

    observation: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    felt: np.ndarray
    success: np.ndarray

    def of_goal(self, goal: np.ndarray) -> "Trial":
        """The same under one goal [N] each, without the axis of goals."""
        rows = np.arange(len(goal))
        return self._replace(
            reward=self.reward[rows, :, goal],
            felt=self.felt[rows, :, goal],
            success=self.success[rows, goal],
        )


class Agent(Protocol):
    """Acts in N tasks at once, and learns about each from its trials."""

    def begin(self, seeds: Sequence[int]):
        """Forgets everything: new tasks begin. All its noise derives from the seeds."""

    def act(self, observation: np.ndarray, felt: np.ndarray) -> np.ndarray:
        """Returns actions [N, A].

        Args:
          observation: [N, S].
          felt: [N] after the action before, also of the trial before; zeros at first.
        """

    def learn(self, trial: Trial):
        """Is told that a trial, under the goals that count, has ended."""


def play(
    pool: TaskPool, agent: Agent, attempts: Sequence[Attempt], seeds, count: int
) -> list[Trial]:
    """Plays `count` trials of each attempt, one after another.

    Args:
      pool: the world.
      agent: begins anew.
      attempts: N tasks.
      seeds: N seeds of the agent's noise.
      count: number of trials.
    """
    attempts = list(attempts)
    goal = np.array([attempt.goal for attempt in attempts])
    rows = np.arange(len(attempts))
    agent.begin(seeds)
    felt = np.zeros(len(attempts), np.float32)
    trials = []
    for _ in range(count):
        observations, actions, steps = [pool.reset(attempts)], [], []
        for _ in range(pool.horizon):
            actions.append(agent.act(observations[-1], felt))
            steps.append(pool.step(actions[-1]))
            observations.append(steps[-1].observation)
            felt = steps[-1].felt[rows, goal]
        trials.append(
            Trial(
                observation=np.stack(observations, axis=1),
                action=np.stack(actions, axis=1),
                reward=np.stack([step.reward for step in steps], axis=1),
                felt=np.stack([step.felt for step in steps], axis=1),
                success=steps[-1].success,
            )
        )
        agent.learn(trials[-1].of_goal(goal))
    return trials
