"""Episodes of other formats, and the checks of their arrays."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from wtl.datasets.contract import fields, numbers
from wtl.datasets.contract.metadata import METADATA, Kind

# A note on episodes whose format keeps as many observations as actions.
REPEATED = (
    "the observation after the last action is unknown: the one before is repeated"
)
# Splits by their names in other formats.
_SPLITS = {
    "train": fields.SPLIT_TRAIN,
    "val": fields.SPLIT_VAL,
    "valid": fields.SPLIT_VAL,
    "validation": fields.SPLIT_VAL,
    "test": fields.SPLIT_TEST,
}
_MAX_PERIOD = 10.0  # seconds between steps
_MAX_EPISODE_BYTES = 4 << 30


@dataclasses.dataclass(frozen=True)
class ForeignEpisode:
    """An episode of another format.

    Attributes:
      get: (key) -> array of all steps. Observations are of T+1 steps, or of T where
        the one after the last action is not stored with them. Raises KeyError.
      name: its name in that format.
      index: its number.
      terminal: whether its last state is terminal.
      has_spare_action: whether actions and rewards are of T+1 steps, of which the last
        is without meaning; else they are of T.
      after: (key) -> observation after the last action, if it is stored apart.
      notes: remarks for users.
      metadata: metadata that the format states, by field.
    """

    get: Callable[[str], np.ndarray]
    name: str
    index: int
    terminal: bool = False
    has_spare_action: bool = False
    after: Callable[[str], np.ndarray | None] = lambda _: None
    notes: str = ""
    metadata: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def placed(names: Sequence[str]) -> tuple[dict[str, str], str]:
    """Return the split of an episode as metadata, and a note of the other names.

    Args:
      names: names of the splits or masks of its format that it is in.
    """
    known, others = [n for n in names if n in _SPLITS], set(names) - {*_SPLITS}
    split = {fields.SPLIT: _SPLITS[known[-1]]} if known else {}
    return split, f"of {', '.join(sorted(others))}" if others else ""


def require_bytes(size: int) -> None:
    """Raise ValueError if an episode of this many bytes is too large to be read."""
    if size > _MAX_EPISODE_BYTES:
        raise ValueError(
            f"an episode takes {size / 2**30:.1f} GiB, above "
            f"{_MAX_EPISODE_BYTES >> 30}: choose fewer arrays with --map"
        )


def whole(
    foreign: ForeignEpisode, name: str, key: str, length: int | None, notes: list[str]
) -> np.ndarray:
    """Return an observation of T+1 steps, the last of which is repeated if unknown."""
    array = foreign.get(key)
    count = len(array) if array.ndim else 0
    if length is None or count == length:
        return array
    if count != length - 1 or not count:
        raise ValueError(
            f"{key!r} of {name} has {count} steps for {length - 1} actions"
        )
    last = foreign.after(key)
    if last is None:
        notes.append(REPEATED)
        return np.concatenate([array, array[-1:]])
    return np.concatenate([array, last[None]])


def joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Join arrays into one vector; a single one keeps its shape."""
    if len({len(array) if array.ndim else 0 for array in arrays}) > 1:
        raise ValueError("arrays that are joined have different lengths")
    if len(arrays) == 1:
        (array,) = arrays
        return array if array.ndim > 1 else array[:, None]
    return np.concatenate([a.reshape(len(a), -1) for a in arrays], axis=1)


def times(array: np.ndarray, length: int, hz: float | None) -> tuple[np.ndarray, float]:
    """Return [T+1] seconds since the start, and the control rate.

    Raises:
      ValueError: if they do not ascend, are not in seconds, or contradict the rate.
    """
    times = numbers.seconds(array.reshape(-1))
    if len(times) not in (length - 1, length):
        raise ValueError(f"there are {len(times)} timestamps for {length} steps")
    period = float(np.median(np.diff(times))) if len(times) > 1 else 1 / (hz or 1)
    if period > _MAX_PERIOD:
        raise ValueError(
            f"timestamps are {period:g} apart: they must be in seconds, so leave them "
            "out and give --set=control_hz=..."
        )
    if hz is None:
        hz = float(f"{1 / period:.3g}")  # the same for all episodes in spite of jitter
    elif numbers.contradicts(period, hz):
        raise ValueError(
            f"control_hz is {hz:g} but timestamps are {period:g} s apart: correct it "
            "with --set=control_hz=..., or leave the timestamps out"
        )
    if len(times) < length:
        times = np.append(times, times[-1] + period)
    return times, hz


def one_value(name: str, array: Any) -> Any:
    """Return a metadata value.

    Raises:
      ValueError: if it is of another type.
    """
    values, kind = np.asarray(array).reshape(-1), METADATA[name].kind
    if not values.size:
        raise ValueError(f"{name} has no value")
    if kind is Kind.TEXT:
        texts = [v.decode() if isinstance(v, bytes) else str(v) for v in values]
        # An instruction may change in the course of an episode.
        is_all = name == fields.INSTRUCTION
        return "; ".join(dict.fromkeys(texts)) if is_all else texts[0]
    value = values[-1 if name == fields.SUCCESS else 0]  # known at the end
    is_number = np.asarray(value).dtype.kind in "fiub"
    if kind is Kind.FLOAT32 and is_number:
        return float(value)
    if not is_number or value != int(value) or (kind is Kind.BOOL and value > 1):
        raise ValueError(f"{name} cannot be {value!r}")
    return bool(value) if kind is Kind.BOOL else int(value)
