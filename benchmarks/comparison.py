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
    """Speed of one implementation relative to another.

    Attributes:
      name: of the comparison.
      unit: of the work.
      ours: median rate, units per second.
      other: likewise.
      ratio: median over the rounds of our rate over the other.
      ci95: interval of that median.
      rounds: number of times that both were timed.
      goal: least ratio to reach; None for no goal.
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
        text = (
            f"{self.name}: {self.ratio:.2f} [{low:.2f}, {high:.2f}] "
            f"({self.ours:,.4g} to {self.other:,.4g} {self.unit}/s, "
            f"{self.rounds} rounds)"
        )
        if self.goal is None:
            return text
        kept = "kept" if self.ratio >= self.goal else "MISSED"
        return f"{text}; goal {self.goal:g} {kept}"


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
    """Time two functions in turns, so that other load on the machine affects both.

    Args:
      name: of the comparison.
      ours: does some work and returns how many units.
      other: likewise; the amount may differ.
      unit: of the work.
      before: called before each of them, untimed.
      goal: least ratio of the rates to reach.
      rounds: number of times to time both, after one that is not timed.
    """

    def rate(work: Callable[[], float]) -> float:
        before()
        start = time.perf_counter()
        done = work()
        return done / (time.perf_counter() - start)

    rate(ours), rate(other)
    rates = in_turns(lambda: rate(ours), lambda: rate(other), rounds)
    return summarise(name, rates, unit=unit, goal=goal)


def in_turns(
    ours: Callable[[], float], other: Callable[[], float], rounds: int
) -> np.ndarray:
    """Return [rounds, 2] rates of two functions that time themselves."""
    rates = np.empty((rounds, 2))
    for i in range(rounds):
        # The order alternates, so that neither always finds warm caches.
        for which in (0, 1) if i % 2 else (1, 0):
            rates[i, which] = (ours, other)[which]()
    return rates


def summarise(
    name: str, rates: np.ndarray, *, unit: str, goal: float | None = None
) -> Comparison:
    """Summarise rates [rounds, 2], ours and the other's."""
    ratios = rates[:, 0] / rates[:, 1]
    interval = stats.quantile_test(ratios, p=0.5).confidence_interval(_CONFIDENCE)
    # With few rounds the interval of the median is the whole range.
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
