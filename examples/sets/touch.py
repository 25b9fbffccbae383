"""A Gymnasium environment that observes a set of things, as a world.

A hand touches one of three discs: the one of a hue, or the one in a place, counted
from the left. A demonstration does not tell which of the two; a trial does.
"""

import gymnasium
import numpy as np
from gymnasium import spaces

import wtl

DISCS, STEPS, MOST = 3, 12, 0.25  # metres per step


class Touch(gymnasium.Env):
    """Hand above discs in the plane."""

    observation_space = spaces.Dict(
        {
            "hand": spaces.Box(-2.0, 2.0, (2,)),
            # x, y and the hue, a point on the circle of colours, of each.
            "discs": spaces.Box(-2.0, 2.0, (DISCS, 4)),
        }
    )
    action_space = spaces.Box(-MOST, MOST, (2,))

    def __init__(self, hue, place=None):
        """Create an environment; without a place the disc of the hue is touched."""
        self._hue, self._place = hue, place

    def reset(self, *, seed=None, options=None):
        """Put discs of three hues down, the task's among them."""
        super().reset(seed=seed)
        rng = self.np_random
        turns = rng.permutation(DISCS)
        hues = self._hue + 2 * np.pi * turns / DISCS
        x = np.arange(DISCS) - 1 + rng.uniform(-0.3, 0.3, DISCS)
        y = rng.uniform(-1, 1, DISCS)
        self._discs = np.stack([x, y, np.cos(hues), np.sin(hues)], axis=1)
        target = np.argmin(turns) if self._place is None else self._place
        self.target = self._discs[target, :2]
        self.hand, self._step = rng.uniform(-0.2, 0.2, 2), 0
        # The order of a set has no meaning.
        self._shown = rng.permutation(DISCS)
        return self._observation(), {}

    def step(self, action):
        """Move the hand by metres."""
        self.hand = np.clip(self.hand + action, -2, 2)
        self._step += 1
        done = self._step == STEPS
        touches = bool(np.linalg.norm(self.hand - self.target) < 0.15)
        return self._observation(), 0.0, done, False, {"success": done and touches}

    def _observation(self):
        found = {"hand": self.hand, "discs": self._discs[self._shown]}
        return {name: value.astype(np.float32) for name, value in found.items()}


def tasks(split, seed, count):
    """Return `count` tasks of a split, half of them by place."""
    rng = np.random.default_rng([seed, *split.encode()])
    found = []
    for i in range(count):
        # Hues must not tell which family a task is of, so tasks by place have one too.
        wanted = {"hue": rng.uniform(0, 2 * np.pi)}
        family = "hue"
        if i % 2:
            family, wanted["place"] = "place", int(rng.integers(DISCS))
        found.append(wtl.worlds.Task(f"{split}-{i:05d}", family, split, wanted))
    return found


def expert(task):
    """Return a function that moves the hand to the target."""
    return lambda env, observation: np.clip(
        env.unwrapped.target - env.unwrapped.hand, -MOST, MOST
    )


wtl.worlds.register(
    wtl.worlds.gym(
        "touch",
        lambda task: Touch(**task.parameters),
        tasks,
        horizon=STEPS,
        expert=expert,
        sets=("discs",),
    )
)
