"""A user's module: carts whose motor is reversed in mid-episode, without experts."""

import dataclasses

import dm_env
import numpy as np
from dm_env import specs

from wtl import worlds

_HORIZON = 12


def reward(state, action, following):
    """Return the way forwards."""
    del action
    return following[..., 0] - state[..., 0]


class Cart(dm_env.Environment):
    """Cart on a line; `state` is its position and its last velocity."""

    def __init__(self, onset: int, gain: float, seed: int):
        self._onset, self._gain, self._seed = onset, gain, seed

    def reset(self):
        rng = np.random.default_rng(self._seed)
        self._state, self._step = rng.uniform(-0.1, 0.1, 2), 0
        return dm_env.restart(self._observation())

    def step(self, action):
        gain = self._gain if self._step >= self._onset else 1.0
        before, velocity = self._state, gain * action[0]
        self._state = np.array([before[0] + 0.5 * velocity, velocity])
        self._step += 1
        return dm_env.transition(
            float(reward(before, action, self._state)), self._observation()
        )

    def succeeded(self) -> bool:
        return bool(self._state[0] > 1)

    def _observation(self):
        return {"state": self._state.astype(np.float32)}

    def observation_spec(self):
        return {"state": specs.Array((2,), np.float32, "state")}

    def action_spec(self):
        return specs.BoundedArray((1,), np.float32, -1.0, 1.0)


@dataclasses.dataclass(frozen=True)
class CartTask(worlds.Task):
    """Task with a hidden onset and gain."""

    @property
    def hidden(self):
        return (float(self.parameters["onset"]), self.parameters["gain"] - 1.0)


def tasks(split: str, seed: int, count: int):
    """Motors that are reversed, or weak."""
    rng = np.random.default_rng([seed, *split.encode()])
    return [
        CartTask(
            f"{split}-{i:05d}",
            family="weak" if i % 2 else "reversed",
            split=split,
            parameters={"onset": int(rng.integers(6)), "gain": 0.3 if i % 2 else -1.0},
        )
        for i in range(count)
    ]


worlds.register(
    worlds.dm_env(
        "carts",
        lambda task, seed: Cart(**task.parameters, seed=seed),
        tasks,
        horizon=_HORIZON,
        reward=reward,
    )
)
