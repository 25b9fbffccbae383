"""A user's module: controllers of the point of `plain_module`, for `wtl record`."""

import numpy as np

from tests import plain_module

_GOAL = np.array(plain_module.tasks("train", 0, 1)[0].parameters["goal"])
_LIMIT = 0.2


def towards(observation):
    """Go to the goal of the first training task."""
    return np.clip(_GOAL - observation["robot/position"], -_LIMIT, _LIMIT)


def away(observation):
    """Go where no goal is."""
    return -towards(observation)


def wide(observation):
    """Return too many numbers."""
    return np.zeros(3)


def failing(observation):
    """Divide by zero."""
    return 1 / 0


class Breaking:
    """Go to the goal, and to nowhere in the third episode."""

    episode = step = 0

    def reset(self, *, demos, trials):
        self.episode, self.step = self.episode + 1, 0

    def act(self, observation):
        self.step += 1
        return towards(observation) * (np.nan if self._breaks else 1.0)

    @property
    def _breaks(self) -> bool:
        return self.episode == 3 and self.step == 5


breaking = Breaking()
