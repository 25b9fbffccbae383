"""Numbers of entities that stay the same whatever slots they are observed in."""

import numpy as np

from wtl.datasets.contract.layout import Layout, slices


def identities_and_places(
    state: np.ndarray, layout: Layout
) -> tuple[np.ndarray, np.ndarray]:
    """Number the entities of each kind by their colours and by their places.

    Args:
      state: [N, S] first states.
      layout: their layout.

    Returns:
      identities [N, E], the same for the same entity in all scenes of a task, and
      places [N, E] counted from the left.
    """
    rows = layout.split(state)
    identities, places = [], []
    for name in layout.kinds:
        where = slices(layout.tables[name])
        x = rows[name][..., where["position"]][..., 0]
        # Colours of one set are well apart, so any fixed projection tells them apart.
        colour = rows[name][..., where["rgb"]] @ np.array([1.0, 0.618, 0.382])
        identities.append(_ranks(colour))
        places.append(_ranks(x))
    return np.concatenate(identities, axis=1), np.concatenate(places, axis=1)


def _ranks(values: np.ndarray) -> np.ndarray:
    return values.argsort(axis=1).argsort(axis=1)
