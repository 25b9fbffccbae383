"""Colours of the entities of a task."""

import numpy as np

from wtl.datasets.contract.errors import UserError

_DRAWS = 100_000  # more than the largest number that fits ever took
_MIN_DISTANCE = 0.4  # Euclidean, in RGB of [0, 1]


def draw(rng: np.random.Generator, count: int) -> list[tuple[float, float, float]]:
    """Draw colours in RGB of [0, 1] that are well apart.

    Raises:
      UserError: if so many are not found.
    """
    for _ in range(_DRAWS):
        colours = rng.uniform(0.05, 1.0, (count, 3))
        distances = np.linalg.norm(colours[:, None] - colours[None], axis=-1)
        if distances[np.triu_indices(count, 1)].min(initial=1) > _MIN_DISTANCE:
            return [tuple(colour) for colour in colours.tolist()]
    raise UserError(
        f"no {count} colours are {_MIN_DISTANCE} apart in RGB; lower suite.size"
    )
