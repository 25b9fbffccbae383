"""Statistics of the actions and observed vectors of a dataset.

They are stored beside the episodes, for readers that normalise by them.
"""

import math
import os
import pathlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from wtl.datasets.contract import fields, json_file
from wtl.datasets.contract.episode import EpisodeSpec
from wtl.datasets.format import decoding

_IS_SET = "is_set"


def of_episodes(
    payloads: Iterable[bytes | memoryview], spec: EpisodeSpec
) -> dict[str, Any]:
    """Return the content of `statistics.json` of serialised episodes.

    The last step of an episode has no action, so it is left out of those of actions.

    Raises:
      DecodeError: if an episode is damaged.
    """
    arrays = spec.step_arrays()
    names = [o.name for o in spec.vectors]
    names += [fields.ACTION] * bool(spec.action_size)
    totals = {name: _Total(arrays[name][0]) for name in names}
    for payload in payloads:
        features = decoding.split(payload)
        for name, total in totals.items():
            rows = decoding.step_array(features, name, *arrays[name])
            total.add(rows[:-1] if name == fields.ACTION else rows)
    found = {name: total.result() for name, total in totals.items() if total.count}
    for name in (o.name for o in spec.observations if o.is_set):
        found[name] = found.get(name, {}) | {_IS_SET: True}
    if fields.ACTION in found:
        known = {
            "low": [v if math.isfinite(v) else None for v in spec.action_low],
            "high": [v if math.isfinite(v) else None for v in spec.action_high],
            "names": list(spec.action_names),
        }
        found[fields.ACTION] |= {name: each for name, each in known.items() if each}
    return found


def stored(dataset_dir: str | os.PathLike) -> dict[str, Any]:
    """Return the statistics of a published dataset."""
    path = pathlib.Path(dataset_dir) / fields.STATISTICS_FILE
    # Datasets of the first edition have none.
    return json_file.read(path) if path.is_file() else {}


def is_set(stored: dict[str, Any], name: str) -> bool:
    """Return whether statistics say that an observation is a set."""
    return bool(stored.get(name, {}).get(_IS_SET))


def actions(stored: dict[str, Any]) -> dict[str, tuple]:
    """Return what statistics state of actions, as `EpisodeSpec` takes it."""
    node = stored.get(fields.ACTION, {})
    low, high, names = (node.get(name, ()) for name in ("low", "high", "names"))
    return {
        "action_low": tuple(-math.inf if v is None else float(v) for v in low),
        "action_high": tuple(math.inf if v is None else float(v) for v in high),
        "action_names": tuple(map(str, names)),
    }


class _Total:
    """Sums over the timesteps of many episodes."""

    def __init__(self, shape: tuple[int, ...]):
        self.count = 0
        self._sum = np.zeros(shape)
        self._squares = np.zeros(shape)
        self._min = np.full(shape, np.inf)
        self._max = np.full(shape, -np.inf)

    def add(self, rows: np.ndarray) -> None:
        """Add [T, ...] values."""
        if not len(rows):
            return
        rows = rows.astype(np.float64)
        self.count += len(rows)
        self._sum += rows.sum(0)
        self._squares += (rows**2).sum(0)
        self._min = np.minimum(self._min, rows.min(0))
        self._max = np.maximum(self._max, rows.max(0))

    def result(self) -> dict[str, Any]:
        mean = self._sum / self.count
        # Rounding may leave a constant a tiny negative variance.
        variance = np.maximum(self._squares / self.count - mean**2, 0)
        found = {"mean": mean, "std": np.sqrt(variance)}
        found |= {"min": self._min, "max": self._max}
        return {"count": self.count} | {name: v.tolist() for name, v in found.items()}
