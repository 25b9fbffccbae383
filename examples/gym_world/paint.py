"""A Gymnasium environment with its tasks and expert, as a world.

Three pigments are poured into a bucket until it has the colour of the task, which the
observation does not name: a demonstration does.
"""

import gymnasium
import numpy as np
from gymnasium import spaces

import wtl

PIGMENTS, STEPS, MOST = 3, 20, 0.1  # litres per step


class Paint(gymnasium.Env):
    """Bucket that receives pigments."""

    observation_space = spaces.Dict(
        {
            "litres": spaces.Box(0.0, np.inf, (PIGMENTS,)),
            "colour": spaces.Box(0.0, 1.0, (PIGMENTS,)),
        }
    )
    action_space = spaces.Box(0.0, MOST, (PIGMENTS,))

    def __init__(self, recipe):
        """Create an environment; `recipe` has the litres that make the colour."""
        self.recipe = np.array(recipe)

    def reset(self, *, seed=None, options=None):
        """Start with a little of each pigment."""
        super().reset(seed=seed)
        self.litres = self.np_random.uniform(0.01, 0.05, PIGMENTS)
        self._step = 0
        return self._observation(), {}

    def step(self, action):
        """Pour litres of each pigment."""
        self.litres = self.litres + action
        self._step += 1
        wrong = np.abs(self._colour(self.litres) - self._colour(self.recipe)).max()
        done = self._step == STEPS
        solved = done and self.litres.sum() > 0.5 and wrong < 0.1
        return self._observation(), float(solved), done, False, {"success": solved}

    @staticmethod
    def _colour(litres):
        return litres / litres.sum()

    def _observation(self):
        found = {"litres": self.litres, "colour": self._colour(self.litres)}
        return {name: value.astype(np.float32) for name, value in found.items()}


def tasks(split, seed, count):
    """Return `count` tasks of a split, each with a recipe."""
    rng = np.random.default_rng([seed, *split.encode()])
    recipes = rng.uniform(0.1, 0.8, (count, PIGMENTS))
    return [
        wtl.worlds.Task(
            f"{split}-{i:05d}",
            family="warm" if recipe[0] > recipe[2] else "cold",
            split=split,
            parameters={"recipe": recipe.tolist()},
        )
        for i, recipe in enumerate(recipes)
    ]


def expert(task):
    """Return a function that pours what is missing."""
    recipe = np.array(task.parameters["recipe"])
    return lambda env, observation: np.clip(recipe - env.unwrapped.litres, 0, MOST)


wtl.worlds.register(
    wtl.worlds.gym(
        "paint",
        lambda task: Paint(**task.parameters),
        tasks,
        horizon=STEPS,
        expert=expert,
    )
)
