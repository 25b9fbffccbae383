"""Vectors of an observation joined into one, the state that policies act on."""

import math
from collections.abc import Mapping

import numpy as np

from wtl.datasets.contract import fields


def vector_names(observed: Mapping[str, np.ndarray]) -> list[str]:
    """Return the names of the observations that are numbers, in order.

    Args:
      observed: arrays by name, those of other step fields among them.
    """
    return sorted(
        name
        for name, array in observed.items()
        if name not in fields.STEP_FIELDS and array.dtype != np.uint8
    )


def is_joined(names: list[str]) -> bool:
    """Return whether vectors of these names are joined: `state` alone is left as is."""
    return names not in ([], [fields.STATE])


def joined(observed: Mapping[str, np.ndarray], step: np.ndarray) -> np.ndarray:
    """Return the state [..., S] of observations: their vectors, then the step number.

    A state that is observed as such, alone, is returned without the step number.

    Args:
      observed: float32[..., *shape] arrays by name; images are passed over.
      step: [...] numbers of the timesteps.
    """
    names = vector_names(observed)
    lead = step.shape
    if not names:
        return np.zeros((*lead, 0), np.float32)
    arrays = [observed[name] for name in names]
    # Of no episodes at all, -1 in place of the size says nothing.
    parts = [a.reshape(*lead, math.prod(a.shape[len(lead) :])) for a in arrays]
    if not is_joined(names):
        return parts[0]
    return np.concatenate([*parts, step[..., None]], axis=-1, dtype=np.float32)
