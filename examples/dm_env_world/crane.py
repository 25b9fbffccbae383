"""A dm_env environment with its tasks and expert, as a world.

A crane moves a swinging load along a rail, and sets it down at the place of the task,
which the observation does not name: a demonstration does.
"""

import dm_env
import numpy as np
from dm_env import specs

import wtl

STEPS, HZ, LIMIT = 30, 5.0, 0.5  # metres per second


class Crane(dm_env.Environment):
    """Crane on a rail of 4 m."""

    def __init__(self, place, seed):
        """Create an environment; `place` is in metres from the middle of the rail."""
        self.place, self._seed = place, seed

    def reset(self):
        """Start at rest, somewhere near the middle."""
        rng = np.random.default_rng(self._seed)
        self.crane = rng.uniform(-0.3, 0.3)
        self.load, self.speed, self._step = self.crane, 0.0, 0
        return dm_env.restart(self._observation())

    def step(self, action):
        """Drive at a speed in m/s; the load follows as a damped pendulum."""
        self.crane = np.clip(self.crane + action[0] / HZ, -2, 2)
        self.speed += (4 * (self.crane - self.load) - 3 * self.speed) / HZ
        self.load += self.speed / HZ
        self._step += 1
        if self._step < STEPS:
            return dm_env.transition(0.0, self._observation())
        return dm_env.termination(float(self.succeeded()), self._observation())

    def succeeded(self):
        """Whether the load hangs still at the place of the task."""
        return abs(self.load - self.place) < 0.2 and abs(self.speed) < 0.2

    def _observation(self):
        load = {"position": np.array([self.load]), "speed": np.array([self.speed])}
        return {"crane": np.array([self.crane]), "load": load}

    def observation_spec(self):
        """Specs of the observation, nested as it is."""
        load = {name: specs.Array((1,), float, name) for name in ("position", "speed")}
        return {"crane": specs.Array((1,), float, "crane"), "load": load}

    def action_spec(self):
        """Spec of the speed of the crane."""
        return specs.BoundedArray((1,), np.float32, -LIMIT, LIMIT, "speed")


def tasks(split, seed, count):
    """Return `count` tasks of a split, each with a place."""
    rng = np.random.default_rng([seed, *split.encode()])
    places = rng.uniform(-1.5, 1.5, count)
    return [
        wtl.worlds.Task(
            f"{split}-{i:05d}",
            family="left" if place < 0 else "right",
            split=split,
            parameters={"place": float(place)},
        )
        for i, place in enumerate(places)
    ]


def expert(task):
    """Return a function that drives to the place of the task."""
    place = task.parameters["place"]
    return lambda env, timestep: np.clip([(place - env.crane) * HZ], -LIMIT, LIMIT)


wtl.worlds.register(
    wtl.worlds.dm_env(
        "crane",
        lambda task, seed: Crane(task.parameters["place"], seed),
        tasks,
        horizon=STEPS,
        control_hz=HZ,
        expert=expert,
    )
)
