"""Two ways of doing the same work, timed in turns."""

import dataclasses
import functools
import time
from collections.abc import Callable, Sequence

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
    ours: Callable[[], object],
    other: Callable[[], object],
    *,
    unit: str,
    amount: int = 1,
    calls: int = 1,
    before: Callable[[], object] = lambda: None,
    goal: float | None = None,
    rounds: int = ROUNDS,
) -> Comparison:
    """Time two functions in turns, so that other load on the machine affects both.

    Args:
      name: of the comparison.
      ours: does some work.
      other: does the same work in another way.
      unit: of the work.
      amount: number of units of a call.
      calls: number of calls that are timed at once.
      before: called before each of them, untimed.
      goal: least ratio of the rates to reach.
      rounds: number of times to time both, after one that is not timed.
    """

    def rate(work: Callable[[], object]) -> float:
        before()
        start = time.perf_counter()
        for _ in range(calls):
            work()
        return calls * amount / (time.perf_counter() - start)

    rates = in_turns([functools.partial(rate, each) for each in (ours, other)], rounds)
    return summarise(name, rates, unit=unit, goal=goal)


def in_turns(works: Sequence[Callable[[], float]], rounds: int) -> np.ndarray:
    """Return rates [rounds, functions] of functions that time themselves.

    A first round is discarded, since caches are cold.
    """
    rates = np.empty((rounds + 1, len(works)))
    for i in range(rounds + 1):
        # The order changes, so that none always finds warm caches.
        for which in np.roll(np.arange(len(works)), i):
            rates[i, which] = works[which]()
    return rates[1:]


def summarise(
    name: str, rates: np.ndarray, *, unit: str, goal: float | None = None
) -> Comparison:
    """Summarise rates [rounds, 2], ours and the other's."""
    ratios = rates[:, 0] / rates[:, 1]
    interval = stats.quantile_test(ratios, p=0.5).confidence_interval(_CONFIDENCE)
    # With few rounds the interval of the median is the whole range.
    low = ratios.min() if np.isnan(interval.low) else interval.low
    high = ratios.max() if np.isnan(interval.high) else interval.high
    ours, other = np.median(rates, axis=0)
    return Comparison(
        name,
        unit,
        float(ours),
        float(other),
        float(np.median(ratios)),
        (float(low), float(high)),
        len(rates),
        goal,
    )
