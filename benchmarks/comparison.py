"""Two ways of doing the same work, timed in turns."""

import dataclasses
import time
from collections.abc import Callable

import numpy as np
from scipy import stats

ROUNDS = 15
_CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How fast one thing is in units of another.

    Attributes:
      name: what is compared with what.
      unit: of the work.
      ours: median rate, units per second.
      other: likewise.
      ratio: median over the rounds of our rate over the other.
      ci95: interval of that median.
      rounds: how often both were timed.
      goal: the least that the ratio should be, None where none is set.
    """

    name: str
    unit: str
    ours: float
    other: float
    ratio: float
    ci95: tuple[float, float]
    rounds: int
    goal: float | None = None

    def __str__(self) -> str:
        low, high = self.ci95
        told = (
            f"{self.name}: {self.ratio:.2f} [{low:.2f}, {high:.2f}] "
            f"({self.ours:,.4g} to {self.other:,.4g} {self.unit}/s, "
            f"{self.rounds} rounds)"
        )
        if self.goal is None:
            return told
        kept = "kept" if self.ratio >= self.goal else "MISSED"
        return f"{told}; goal {self.goal:g} {kept}"


def compare(
    name: str,
    ours: Callable[[], float],
    other: Callable[[], float],
    *,
    unit: str,
    before: Callable[[], None] = lambda: None,
    goal: float | None = None,
    rounds: int = ROUNDS,
) -> Comparison:
    """Times two functions in turns, so that what else the machine does meets both.

    Args:
      name: what is compared with what.
      ours: does some work and returns how many units.
      other: likewise; it need not do as much.
      unit: of the work.
      before: called before each of them, untimed.
      goal: the least that the ratio of the rates should be.
      rounds: how often to time both; one more, untimed, comes first.
    """
    pair = (ours, other)
    for do in pair:
        before()
        do()
    rates = np.empty((rounds, 2))
    for i in range(rounds):
        # Who comes first changes, lest one always finds warm caches.
        for which in (0, 1) if i % 2 else (1, 0):
            before()
            start = time.perf_counter()
            done = pair[which]()
            rates[i, which] = done / (time.perf_counter() - start)
    return summarise(name, rates, unit=unit, goal=goal)


def summarise(
    name: str, rates: np.ndarray, *, unit: str, goal: float | None = None
) -> Comparison:
    """Summarises rates [rounds, 2], ours and the other's."""
    ratios = rates[:, 0] / rates[:, 1]
    interval = stats.quantile_test(ratios, p=0.5).confidence_interval(_CONFIDENCE)
    # With few rounds the interval of a median is all that was seen.
    low = ratios.min() if np.isnan(interval.low) else interval.low
    high = ratios.max() if np.isnan(interval.high) else interval.high
    return Comparison(
        name,
        unit,
        float(np.median(rates[:, 0])),
        float(np.median(rates[:, 1])),
        float(np.median(ratios)),
        (float(low), float(high)),
        len(rates),
        goal,
    )
