"""An environment with images, a set and a nested vector as a world.

A gripper moves over a table with two blocks. The task is to end at the block of one
colour; episodes end early at it.
"""

import dm_env
import numpy as np
from dm_env import specs

from wtl import worlds

_COLOURS = {"red": (255, 0, 0), "blue": (0, 0, 255)}
_SIDE, _REACH, _LIMIT, _HORIZON = 24, 0.15, 30.0, 12


class Table(dm_env.Environment):
    """A square table of one metre; actions are centimetres a step."""

    def __init__(self, colour: str, seed: int):
        self._colour, self._seed = colour, seed

    def reset(self):
        rng = np.random.default_rng(self._seed)
        self.gripper = np.array([0.5, 0.5])
        left, right = rng.uniform((0.1, 0.1), (0.3, 0.9)), rng.uniform((0.7, 0.1), 0.9)
        places = [left, right] if rng.random() < 0.5 else [right, left]
        self.blocks = dict(zip(_COLOURS, places, strict=True))
        self._step = 0
        return dm_env.restart(self._observation())

    def step(self, action):
        self.gripper = np.clip(self.gripper + np.asarray(action) / 100, 0, 1)
        self._step += 1
        if self.succeeded() or self._step == _HORIZON:
            return dm_env.termination(float(self.succeeded()), self._observation())
        return dm_env.transition(0.0, self._observation())

    @property
    def goal(self) -> np.ndarray:
        return self.blocks[self._colour]

    def succeeded(self) -> bool:
        return bool(np.linalg.norm(self.gripper - self.goal) < _REACH)

    def _observation(self):
        top = np.full((_SIDE, 2 * _SIDE, 3), 90, np.uint8)
        for colour, place in self.blocks.items():
            row, column = (place[::-1] * (_SIDE - 1, 2 * _SIDE - 1)).astype(int)
            top[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3] = _COLOURS[
                colour
            ]
        gray = top[:, : _SIDE + 8].mean(axis=2, keepdims=True).astype(np.uint8)
        return {
            "cameras": {"top": top, "side": gray},
            "blocks": np.array(list(self.blocks.values()), np.float64),
            "arm": {"position": self.gripper.astype(np.float32)},
        }

    def observation_spec(self):
        return {
            "cameras": {
                "top": specs.BoundedArray((_SIDE, 2 * _SIDE, 3), np.uint8, 0, 255),
                "side": specs.BoundedArray((_SIDE, _SIDE + 8, 1), np.uint8, 0, 255),
            },
            "blocks": specs.Array((2, 2), np.float64),
            "arm": {"position": specs.Array((2,), np.float32)},
        }

    def action_spec(self):
        return specs.BoundedArray((2,), np.float32, -_LIMIT, _LIMIT)


def tasks(split: str, seed: int, count: int):
    """Alternate between the colours."""
    return [
        worlds.Task(
            f"{split}-{i:05d}",
            family=colour,
            split=split,
            parameters={"colour": colour},
            instruction=f"go to the {colour} block",
        )
        for i, colour in zip(range(count), list(_COLOURS) * count, strict=False)
    ]


def expert(task):
    """Move straight to the block."""
    return lambda env, timestep: 40 * np.clip(env.goal - env.gripper, -0.3, 0.3)


TABLE = worlds.dm_env(
    "camera_table",
    lambda task, seed: Table(task.parameters["colour"], seed),
    tasks,
    horizon=_HORIZON,
    expert=expert,
)
