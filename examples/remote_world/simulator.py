"""A simulator in an interpreter without WTL: `python simulator.py` serves its world.

`wtl_server.py` beside it is a copy of WTL's `collection/worlds/remote/server.py`.
"""

import sys

import dm_env
import numpy as np
import wtl_server
from dm_env import specs

_STEPS, _FASTEST, _NEAR = 20, 0.1, 0.15


class Cart(dm_env.Environment):
    """A cart in the plane that has to stop at a goal, which it does not observe."""

    def __init__(self, goal, seed: int):
        self.goal, self._seed = np.array(goal), seed

    def reset(self):
        """Start where the seed says."""
        self.position = np.random.default_rng(self._seed).uniform(-0.1, 0.1, 2)
        self._steps = 0
        return dm_env.restart(self._observation())

    def step(self, action):
        """Move by `action`, in metres."""
        self.position = self.position + action
        self._steps += 1
        if self._steps < _STEPS:
            return dm_env.transition(0.0, self._observation())
        return dm_env.termination(float(self.succeeded()), self._observation())

    def succeeded(self) -> bool:
        """Whether it is at the goal."""
        return bool(np.linalg.norm(self.position - self.goal) < _NEAR)

    def _observation(self):
        return {"cart": {"position": self.position}}

    def observation_spec(self):
        """Position in metres."""
        return {"cart": {"position": specs.Array((2,), np.float64)}}

    def action_spec(self):
        """Metres per step."""
        return specs.BoundedArray((2,), np.float32, -_FASTEST, _FASTEST)


def tasks(split: str, seed: int, count: int):
    """Goals on the unit circle."""
    rng = np.random.default_rng([seed, *split.encode()])
    angles = rng.uniform(0, 2 * np.pi, count).tolist()
    return [
        wtl_server.Task(
            task_id=f"{split}-{i:05d}",
            family="left" if np.cos(angle) < 0 else "right",
            split=split,
            parameters={"angle": angle},
        )
        for i, angle in enumerate(angles)
    ]


def goal(task):
    """Goal of a task, whose parameters are JSON."""
    angle = task.parameters["angle"]
    return np.cos(angle), np.sin(angle)


WORLD = wtl_server.ServedWorld(
    name="cart",
    make=lambda task, seed: Cart(goal(task), seed),
    tasks=tasks,
    horizon=_STEPS,
    expert=lambda task: (
        lambda env, timestep: np.clip(env.goal - env.position, -_FASTEST, _FASTEST)
    ),
)
if __name__ == "__main__":
    wtl_server.serve(WORLD, port=int(sys.argv[1]) if len(sys.argv) > 1 else 8767)
