"""Layout of the observed states."""

import dataclasses
import importlib

import numpy as np

from wtl.collection.worlds.tabletop import observation
from wtl.datasets.contract.layout import slices


@dataclasses.dataclass(frozen=True)
class Layout(observation.Layout):
    """See the base class; objects of one colour differ by their shape."""

    @property
    def features(self):
        """See the base class."""
        return importlib.import_module("wtl.collection.worlds.tabletop_hard.features")

    def identities_and_places(self, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See the base class."""
        identities, places = super().identities_and_places(state)
        objects = self.split(state)["objects"]
        where = slices(observation.OBJECT)
        # Any fixed projection tells colours and shapes apart.
        colour = objects[..., where["rgb"]] @ np.array([1.0, 0.618, 0.382])
        order = colour + 10 * objects[..., where["is_box"]][..., 0]
        identities[:, : self.size] = order.argsort(axis=1).argsort(axis=1)
        return identities, places
