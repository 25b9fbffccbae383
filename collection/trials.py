"""Trials of many tasks, one after another; agents learn between them."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from wtl.collection.task_pool import Attempt, TaskPool
from wtl.datasets.contract import seeding


class Trial(NamedTuple):
    """Trial of T steps of each of N attempts, under each of G goals.

    Attributes:
      observation: [N, T + 1, S].
      action: [N, T, A] of the agent; worlds clip them to [-1, 1].
      reward: [N, T, G] reward that learning maximises.
      observed_reward: [N, T, G] observed reward.
      success: [N, G] whether the goal held at the end.
    """

    observation: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    observed_reward: np.ndarray
    success: np.ndarray

    def of_goal(self, goal: np.ndarray) -> "Trial":
        """Return the trial under one goal [N] each, without the axis of goals."""
        rows = np.arange(len(goal))
        return self._replace(
            reward=self.reward[rows, :, goal],
            observed_reward=self.observed_reward[rows, :, goal],
            success=self.success[rows, goal],
        )


class Agent(Protocol):
    """Agent that acts in N tasks at once, and adapts to each in its trials."""

    def begin(self, seeds: Sequence[int]):
        """Forget everything: new tasks begin. All its noise derives from the seeds."""

    def act(self, observation: np.ndarray, reward: np.ndarray) -> np.ndarray:
        """Return actions [N, A].

        Args:
          observation: [N, S].
          reward: [N] observed after the previous action, also that of the previous
            trial; zeros at first.
        """

    def learn(self, trial: Trial):
        """Adapt to a finished trial, given under the goals that count."""


def play(
    pool: TaskPool, agent: Agent, attempts: Sequence[Attempt], seeds, count: int
) -> list[Trial]:
    """Play `count` trials of each attempt, one after another.

    Args:
      pool: the tasks.
      agent: begins anew.
      attempts: N attempts.
      seeds: N seeds of the agent's noise.
      count: number of trials.
    """
    attempts = list(attempts)
    goal = np.array([attempt.goal for attempt in attempts])
    rows = np.arange(len(attempts))
    agent.begin(seeds)
    reward = np.zeros(len(attempts), np.float32)
    trials = []
    for number in range(count):
        started = [
            dataclasses.replace(attempt, start=seeding.derive_seed(seed, number))
            for attempt, seed in zip(attempts, seeds, strict=True)
        ]
        observations, actions, steps = [pool.reset(started)], [], []
        for _ in range(pool.horizon):
            actions.append(agent.act(observations[-1], reward))
            steps.append(pool.step(actions[-1]))
            observations.append(steps[-1].observation)
            reward = steps[-1].observed_reward[rows, goal]
        trials.append(
            Trial(
                observation=np.stack(observations, axis=1),
                action=np.stack(actions, axis=1),
                reward=np.stack([step.reward for step in steps], axis=1),
                observed_reward=np.stack(
                    [step.observed_reward for step in steps], axis=1
                ),
                success=steps[-1].success,
            )
        )
        agent.learn(trials[-1].of_goal(goal))
    return trials
