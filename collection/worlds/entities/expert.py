"""Scripted experts: the interface that all worlds share."""

import dataclasses
from typing import Any, Protocol

import numpy as np


@dataclasses.dataclass(frozen=True)
class Command:
    """Command of an expert for one control step.

    Attributes:
      action: float64[A] in [-1, 1], the clean label.
      noise: share of the exploration noise that this phase bears, in [0, 1].
    """

    action: np.ndarray
    noise: float


class Expert(Protocol):
    """Scripted expert of one family."""

    def __call__(self, world: Any, index: int) -> Command:
        """Return the command towards the target with this canonical index."""
