"""Layout of the observations of a world without entities: named vectors in a row."""

import dataclasses
import functools

import numpy as np

from wtl.datasets.contract.layout import Layout

TIME = "time"  # step number, the last number of the state


@dataclasses.dataclass(frozen=True)
class PlainLayout(Layout):
    """Layout of a state vector that joins vectors, and the number of the step.

    A policy needs no entity to be selected, so the scene counts as the only one.

    Attributes:
      size: 1.
      parts: name and length of each vector, in order.
      actions: number of dimensions of the action.
    """

    size: int = 1
    parts: tuple[tuple[str, int], ...] = ()
    actions: int = 0

    kinds = ()
    things = {}
    odd = {}
    drawing = None

    @property
    def tables(self) -> dict[str, dict[str, int]]:
        """See the base class."""
        return {name: {name: length} for name, length in (*self.parts, (TIME, 1))}

    @property
    def action_mirror(self) -> tuple[float, ...]:
        """See the base class; nothing is known of a mirror, so nothing changes."""
        return (1.0,) * self.actions

    @property
    def entities(self) -> int:
        """See the base class."""
        return 1

    @functools.cached_property
    def features(self):
        """See the base class."""
        from wtl.collection.worlds.plain.features import PlainFeatures

        return PlainFeatures()

    def acted_scores(self, states: np.ndarray) -> np.ndarray:
        """See the base class; every episode acts on its scene."""
        return np.full((len(states), 1), 2.0)

    def identities_and_places(self, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See the base class."""
        return (np.zeros((len(state), 1), np.int64),) * 2
