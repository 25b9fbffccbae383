"""A user's module: a dm_env environment with its tasks and expert, as a world."""

import dm_env
import numpy as np
from dm_env import specs

from wtl import worlds

_RADIUS, _LIMIT, _HORIZON = 0.2, 0.2, 15


class Point(dm_env.Environment):
    """A point in the plane that has to end at a goal, which it does not observe."""

    def __init__(self, goal, seed: int):
        self._goal, self._seed = np.array(goal), seed

    def reset(self):
        rng = np.random.default_rng(self._seed)
        self.position, self.velocity = rng.uniform(-0.1, 0.1, 2), np.zeros(2)
        self._step = 0
        return dm_env.restart(self._observation())

    def step(self, action):
        self.velocity = np.array(action)
        self.position = self.position + self.velocity
        self._step += 1
        if self._step < _HORIZON:
            return dm_env.transition(0.0, self._observation())
        return dm_env.termination(float(self.succeeded()), self._observation())

    def succeeded(self) -> bool:
        return bool(np.linalg.norm(self.position - self._goal) < _RADIUS)

    def _observation(self):
        return {"robot": {"position": self.position, "velocity": self.velocity}}

    def observation_spec(self):
        return {
            "robot": {
                name: specs.Array((2,), np.float64, name)
                for name in ("position", "velocity")
            }
        }

    def action_spec(self):
        return specs.BoundedArray((2,), np.float32, -_LIMIT, _LIMIT)


def tasks(split: str, seed: int, count: int):
    """Goals on the unit circle."""
    rng = np.random.default_rng([seed, *split.encode()])
    return [
        worlds.Task(
            f"{split}-{i:05d}",
            family="left" if np.cos(angle) < 0 else "right",
            split=split,
            parameters={"goal": (float(np.cos(angle)), float(np.sin(angle)))},
        )
        for i, angle in enumerate(rng.uniform(0, 2 * np.pi, count))
    ]


def expert(task: worlds.Task):
    """Go straight to the goal."""
    goal = np.array(task.parameters["goal"])
    return lambda env, timestep: np.clip(goal - env.position, -_LIMIT, _LIMIT)


POINT = worlds.dm_env(
    "plain_point",
    lambda task, seed: Point(task.parameters["goal"], seed),
    tasks,
    horizon=_HORIZON,
    expert=expert,
)
if "plain_point" not in worlds.names():
    worlds.register(POINT)
